import { expect, test } from "@jest/globals";
import { serverKey, webSite } from "../../../components/web-site.ts";

const serve = { port: 80, path: "/ubuntu", serverNames: [] as string[] };

test("a mirror that answers to any name takes the place of Debian's welcome page", () => {
  expect(webSite("dc1-ubuntu", serve, "/srv/m/current/public")).toMatchInlineSnapshot(`
{
  "absent": [
    "/etc/nginx/sites-enabled/default",
  ],
  "files": {
    "/etc/nginx/airgapped-maas/80-any/dc1-ubuntu.conf": {
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
  "keyPath": undefined,
}
`);
});

test("mirrors with the same port and names write the same server block, whatever the names' order", () => {
  const one = webSite("a", { ...serve, serverNames: ["b.example", "a.example"] }, "/srv/a");
  const other = webSite(
    "b",
    { ...serve, path: "/debian", serverNames: ["a.example", "b.example"] },
    "/srv/b",
  );
  const shared = Object.keys(one.files).filter((path) => path in other.files);
  expect(shared).toHaveLength(1);
  expect(one.files[shared[0] ?? ""]).toEqual(other.files[shared[0] ?? ""]);
  expect(one.absent).toEqual([]);
});

test("with TLS the key has a place of its own and is in no configuration text", () => {
  const site = webSite(
    "a",
    { ...serve, port: 443, serverNames: ["m.example"], tls: { certificate: "CERTIFICATE" } },
    "/srv/a",
  );
  expect(site.keyPath).toBe("/etc/nginx/airgapped-maas/443-m.example.key");
  const block = site.files["/etc/nginx/conf.d/airgapped-maas-443-m.example.conf"]?.content;
  expect(block).toContain("listen 443 ssl;");
  expect(block).toContain("ssl_certificate_key /etc/nginx/airgapped-maas/443-m.example.key;");
  expect(site.files["/etc/nginx/airgapped-maas/443-m.example.crt"]?.content).toBe("CERTIFICATE");
});

test("a mirror at the root of its names has no doubled slash", () => {
  const site = webSite("a", { ...serve, path: "", serverNames: ["archive.ubuntu.com"] }, "/srv/a");
  expect(site.files["/etc/nginx/airgapped-maas/80-archive.ubuntu.com/a.conf"]?.content).toContain(
    "location / {",
  );
});

test("what listens differently has another key", () => {
  expect(serverKey({ port: 80, serverNames: [] })).toBe("80-any");
  expect(serverKey({ port: 81, serverNames: ["a"] })).not.toBe(serverKey({ port: 80, serverNames: ["a"] }));
  expect(serverKey({ port: 80, serverNames: ["a", "b"] })).not.toBe(
    serverKey({ port: 80, serverNames: ["a"] }),
  );
});
