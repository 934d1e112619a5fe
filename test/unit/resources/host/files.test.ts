import { describe, expect, test } from "@jest/globals";
import { files } from "../../../../resources/host/files.ts";
import { check } from "../../../../resources/kernel/check.ts";
import type { Json } from "../../../../resources/kernel/definition.ts";
import { unknown } from "../../../../resources/kernel/unknown-values.ts";

describe("the inputs of Files", () => {
  test("get defaults, and their modes get four digits", () => {
    const { inputs, failures } = check(files.inputs, {
      host: "mirror",
      files: { "/etc/a": { content: "x", mode: "640" } },
      secretFiles: { "/etc/b": { content: "y" } },
      directories: { "/srv/a": {} },
    });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      host: "mirror",
      files: { "/etc/a": { content: "x", mode: "0640", owner: "root", group: "root" } },
      secretFiles: { "/etc/b": { content: "y", mode: "0600", owner: "root", group: "root" } },
      directories: { "/srv/a": { mode: "0755", owner: "root", group: "root" } },
      links: {},
      absent: [],
      reloadOnRemoval: [],
    });
  });

  test.each<[Record<string, Json>, string, RegExp]>([
    [{ files: { "etc/motd": { content: "" } } }, 'files["etc/motd"]', /absolute path/],
    [{ files: { "/etc//motd": { content: "" } } }, 'files["/etc//motd"]', /written as \/etc\/motd/],
    [{ directories: { "/srv/": {} } }, 'directories["/srv/"]', /written as \/srv/],
    [{ absent: ["/etc/../motd"] }, "absent[0]", /written as \/motd/],
    [{ directories: { "/": {} } }, 'directories["/"]', /root directory/],
    [{ files: { "/a": { content: "", mode: "rw-r--r--" } } }, 'files["/a"].mode', /octal/],
    [{ files: { "/a": { content: "", mode: "0o644" } } }, 'files["/a"].mode', /octal/],
    [{ files: { "/a": { content: "", owner: "-R" } } }, 'files["/a"].owner', /name or number/],
    [{ files: { "/a": { content: "", colour: "red" } } }, 'files["/a"]', /colour/],
    [{ files: { "/a": { content: "" } }, links: { "/a": "/b" } }, 'links["/a"]', /also declared in files/],
    [{ files: { "/a": { content: "" } }, absent: ["/a"] }, "absent[0]", /also declared in files/],
    [{ files: { "/a": { content: "" }, "/a/b/c": { content: "" } } }, 'files["/a/b/c"]', /is below \/a/],
    [{ links: { "/a": "/x" }, directories: { "/a/b": {} } }, 'directories["/a/b"]', /is below \/a/],
    [{ links: { "/a": "" } }, 'links["/a"]', /target of the link/],
    [{ host: "" }, "host", /name a host/],
  ])("%j are refused at %s", (given, property, reason) => {
    const { failures } = check(files.inputs, { host: "mirror", ...given });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });

  test("accept content that is not known yet", () => {
    const { inputs, failures } = check(files.inputs, {
      host: "mirror",
      files: { "/a": { content: unknown } },
    });
    expect(failures).toEqual([]);
    expect(inputs.files).toEqual({ "/a": { content: unknown, mode: "0644", owner: "root", group: "root" } });
  });
});
