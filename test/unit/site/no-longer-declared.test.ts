import { expect, test } from "@jest/globals";
import { losses } from "../../../site/no-longer-declared.ts";

const none = { aptMirrors: {}, imageMirrors: {}, customImages: {} };

test("a mirror or image that is no longer declared is reported, with what clients lose", () => {
  const last = {
    mirrors: { ubuntu: { url: "http://mirror/ubuntu" }, kept: { url: "http://mirror/kept" } },
    images: { images: {} },
    customImages: { rocky9: { distroSeries: "rhel/rocky9" } },
  };
  expect(losses(last, { ...none, aptMirrors: { kept: {} } })).toEqual([
    "aptMirrors.ubuntu (http://mirror/ubuntu) is no longer declared: clients that get packages there will fail, unless another mirror takes its place",
    "imageMirrors.images is no longer declared: a MAAS that imports from there will fail, unless another mirror takes its place",
    "customImages.rocky9 is no longer declared: machines can no longer be deployed with rhel/rocky9 when MAAS has deleted it",
  ]);
});

test("a first update, and an update that removes nothing, report nothing", () => {
  expect(losses({}, none)).toEqual([]);
  expect(losses({ mirrors: { a: {} } }, { ...none, aptMirrors: { a: {}, b: {} } })).toEqual([]);
});

test("a mirror or image that is declared under a new name is not reported", () => {
  const last = {
    mirrors: { ubuntu: { url: "http://mirror/ubuntu" } },
    images: { images: {} },
    customImages: { rocky9: { distroSeries: "rhel/rocky9" } },
  };
  const site = {
    aptMirrors: { "noble-ubuntu": { nameOnHost: "ubuntu" } },
    imageMirrors: { boot: { nameOnHost: "images" } },
    customImages: { rocky: { nameOnHost: "rocky9" } },
  };
  expect(losses(last, site)).toEqual([]);
  // The names of one kind say nothing about another kind.
  expect(losses(last, { ...site, aptMirrors: {}, imageMirrors: { boot: { nameOnHost: "ubuntu" } } })).toEqual(
    [expect.stringMatching(/^aptMirrors\.ubuntu /), expect.stringMatching(/^imageMirrors\.images /)],
  );
});
