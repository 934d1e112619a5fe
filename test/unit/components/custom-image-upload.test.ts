import { describe, expect, test } from "@jest/globals";
import { siteCustomImageSchema, uploadSchema } from "../../../components/custom-image/args.ts";
import { maasImage } from "../../../resources/maas/image.ts";

const upload = { via: "upload", os: "custom", release: "golden", title: "Golden", file: "golden.tar.gz" };

function faults(change: object): string[] {
  const { error } = uploadSchema.safeParse({ ...upload, ...change });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}`);
}

const archives = ["tgz", "tbz", "txz"];
const disks = ["ddtgz", "ddtbz", "ddtxz", "ddtar", "ddbz2", "ddgz", "ddxz", "ddraw"];

/** The files that MAAS needs for a deployment: get_xinstall_parameters of each system's driver. */
const deployed: Readonly<Record<string, readonly string[]>> = {
  centos: archives,
  rhel: archives,
  ol: archives,
  suse: archives,
  ubuntu: archives,
  custom: [...archives, ...disks],
  esxi: disks,
  windows: disks,
  "ubuntu-core": disks,
  bootloader: [],
};

describe("an upload that MAAS would accept but cannot deploy is refused in the preview:", () => {
  test.each(
    Object.entries(deployed).flatMap(([os, kinds]) =>
      [...archives, ...disks].map((kind) => [os, kind, kinds.includes(kind)] as const),
    ),
  )("os %s with file type %s, deployable: %s", (os, fileType, isDeployed) => {
    const found = faults({ os, release: "mine", file: "image", fileType });
    expect(found.length === 0).toBe(isDeployed);
    const given = maasImage.inputs.safeParse({
      host: "maas",
      name: `${os}/mine`,
      architecture: "amd64/generic",
      fileType,
      file: { path: "image" },
      size: 1,
      sha256: "0".repeat(64),
    });
    expect(given.success).toBe(isDeployed);
  });

  test("a disk image of Ubuntu, recognized by its file name, with a remedy", () => {
    expect(faults({ os: "ubuntu", release: "golden", file: "golden.img" })).toEqual([
      "file is a disk image (ddraw), but MAAS deploys ubuntu only from archives of a root file system: use os: custom with baseImage: ubuntu/RELEASE, or a .tar.gz",
    ]);
    const { error } = siteCustomImageSchema.safeParse({ ...upload, os: "ubuntu", file: "golden.dd.gz" });
    expect(error?.issues[0]?.message).toMatch(/use os: custom with baseImage/);
  });

  test("an archive of Windows, recognized by its file name", () => {
    expect(faults({ os: "windows", release: "win2022" })).toEqual([
      expect.stringMatching(/^file is an archive .* \(tgz\), but MAAS deploys windows only from disk images/),
    ]);
  });

  test.each(["ga-24.04", "hwe-24.04", "ga-24.04-lowlatency"])("an upload with the kernel %s", (kernel) => {
    expect(faults({ kernel })).toEqual([
      expect.stringMatching(/^kernel names a kernel, but MAAS accepts no/),
    ]);
    expect(faults({ kernel: "generic" })).toEqual([]);
  });
});
