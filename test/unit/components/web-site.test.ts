import { expect, test } from "@jest/globals";
import { serveSchema } from "../../../components/serving/mirror-args.ts";
import { serverKey, webSite } from "../../../components/serving/web-site.ts";

const serve = { port: 80, path: "/ubuntu", serverNames: [] as string[] };

test("a mirror without server names replaces Debian's default site", () => {
  expect(webSite(serve, "/srv/m/current/public", "ubuntu of dc1")).toMatchInlineSnapshot(`
{
  "absent": [
    "/etc/nginx/sites-enabled/default",
  ],
  "checks": {
    "nginx.service": {
      "command": "nginx -t -q",
      "ports": [
        80,
      ],
    },
  },
  "files": {
    "/etc/nginx/airgapped-maas/80-any/=ubuntu.conf": {
      "content": "# Written by airgapped-maas; changes made here are undone by the next update.
location /ubuntu/ {
    alias /srv/m/current/public/;
    autoindex on;
    autoindex_exact_size off;
    # A new tree can come within the second of the old one: only the same file is not modified.
    if_modified_since exact;
    default_type application/octet-stream;
}
",
    },
    "/etc/nginx/conf.d/airgapped-maas-80-any.conf": {
      "content": "# Written by airgapped-maas; changes made here are undone by the next update.
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    root /var/empty;
    server_tokens off;
    include /etc/nginx/airgapped-maas/80-any/*.conf;
}
",
    },
  },
  "holds": {
    "TCP port 80": "http",
    "URL path / on port 80": "paths in it",
    "URL path /ubuntu on port 80": "/srv/m/current/public (ubuntu of dc1)",
  },
  "keyPath": undefined,
}
`);
});

test("mirrors with the same port and the same names, in any order, write the same server block", () => {
  const one = webSite({ ...serve, serverNames: ["b.example", "A.example"] }, "/srv/a", "a");
  const other = webSite(
    { ...serve, path: "/debian", serverNames: ["a.example", "b.example"] },
    "/srv/b",
    "b",
  );
  const shared = Object.keys(one.files).filter((path) => path in other.files);
  expect(shared).toHaveLength(1);
  expect(one.files[shared[0] ?? ""]).toEqual(other.files[shared[0] ?? ""]);
  expect(one.absent).toEqual([]);
});

test("with TLS, the private key has a separate file, and the server block only names it", () => {
  const tls = { certificate: "CERTIFICATE", key: "PRIVATE KEY" };
  const site = webSite({ ...serve, port: 443, serverNames: ["m.example"], tls }, "/srv/a", "a");
  expect(site.keyPath).toBe("/etc/nginx/airgapped-maas/443-m.example.key");
  const block = site.files["/etc/nginx/conf.d/airgapped-maas-443-m.example.conf"]?.content;
  expect(block).toContain("listen 443 ssl;");
  expect(block).toContain("ssl_certificate_key /etc/nginx/airgapped-maas/443-m.example.key;");
  expect(site.files["/etc/nginx/airgapped-maas/443-m.example.crt"]?.content).toBe("CERTIFICATE");
  expect(site.files).not.toHaveProperty([site.keyPath ?? ""]);
  expect(JSON.stringify(site)).not.toContain("PRIVATE KEY");
});

test("the location of a mirror at the root path has one slash, not two", () => {
  const site = webSite({ ...serve, path: "", serverNames: ["archive.ubuntu.com"] }, "/srv/a", "a");
  expect(site.files["/etc/nginx/airgapped-maas/80-archive.ubuntu.com/=.conf"]?.content).toContain(
    "location / {",
  );
});

test("different ports or server names give different server keys", () => {
  expect(serverKey({ port: 80, serverNames: [] })).toBe("80-any");
  expect(serverKey({ port: 81, serverNames: ["a"] })).not.toBe(serverKey({ port: 80, serverNames: ["a"] }));
  expect(serverKey({ port: 80, serverNames: ["a", "b"] })).not.toBe(
    serverKey({ port: 80, serverNames: ["a"] }),
  );
});

test("each path and each set of server names has a separate file", () => {
  const paths = ["", "/a", "/a/b", "/a.b", "/a~b", "/a-b", "/a_b", "/root"];
  const files = paths.flatMap((path) =>
    Object.keys(webSite({ ...serve, path, serverNames: ["m"] }, "/srv/a", "a").files),
  );
  expect(new Set(files).size).toBe(paths.length + 1);
  // A shell pattern does not match names that begin with a dot.
  expect(files.filter((file) => /\/\./.test(file))).toEqual([]);
  expect(serverKey({ port: 80, serverNames: ["any"] })).not.toBe(serverKey({ port: 80, serverNames: [] }));
  expect(serverKey({ port: 80, serverNames: ["A", "a"] })).toBe(serverKey({ port: 80, serverNames: ["a"] }));
});

test("two owners of one directory conflict, and so do http and https on one port", () => {
  const one = webSite(serve, "/srv/m", "ubuntu of dc1 of one").holds;
  const other = webSite({ ...serve, tls: { certificate: "C" } }, "/srv/m", "ubuntu of dc1 of other").holds;
  expect(Object.keys(one)).toEqual(Object.keys(other));
  const differing = Object.keys(one).filter((name) => one[name] !== other[name]);
  expect(differing).toEqual(["TCP port 80", "URL path /ubuntu on port 80"]);
});

test("a URL path inside another mirror's path is a conflict, a path beside it is not", () => {
  const clashes = (one: string, other: string) => {
    const [a, b] = [one, other].map((path) => webSite({ ...serve, path }, `/srv${path}`, path).holds);
    return Object.keys(a ?? {}).filter((name) => b && name in b && a?.[name] !== b[name]);
  };
  expect(clashes("/a", "/a/b/c")).toEqual(["URL path /a on port 80"]);
  expect(clashes("/a/b", "/a")).toEqual(["URL path /a on port 80"]);
  expect(clashes("", "/a")).toEqual(["URL path / on port 80"]);
  expect(clashes("/a", "/ab")).toEqual([]);
  expect(clashes("/a/b", "/a/c")).toEqual([]);
});

test("the longest accepted names and paths fit in file names, and longer ones are refused", () => {
  const label = "l".repeat(63);
  const name = `${label}.${label}.${label}.${"l".repeat(61)}`;
  const path = `/${"p".repeat(199)}`;
  const declared = serveSchema("/ubuntu").parse({ port: 65_535, serverNames: [name, "b"], path });
  for (const serverNames of [[name], declared.serverNames]) {
    for (const file of Object.keys(
      webSite({ ...declared, serverNames, tls: { certificate: "C" } }, "/srv/a", "a").files,
    ))
      expect([file, Math.max(...file.split("/").map((part) => part.length)) <= 255]).toEqual([file, true]);
  }
  const other = name.replace(/l$/, "m");
  expect(serverKey({ port: 80, serverNames: [name] })).not.toBe(
    serverKey({ port: 80, serverNames: [other] }),
  );
  for (const wrong of [
    { serverNames: [`${name}l`] },
    { serverNames: ["l".repeat(64)] },
    { path: `${path}p` },
  ])
    expect(serveSchema("/ubuntu").safeParse(wrong).error?.issues[0]?.message).toMatch(/^is longer than/);
});
