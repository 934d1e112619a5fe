import { expect, test } from "@jest/globals";
import { imagesHeld, notServed } from "../../../../content/simplestreams/maas-images.ts";

const product = (version: string, kernel: string) =>
  `com.ubuntu.maas.stable:v3:boot:${version}:amd64:${kernel}`;
const held = imagesHeld({
  "ubuntu/noble/amd64": {
    serial: "20261101",
    products: { [product("24.04", "ga-24.04")]: ["20261101"] },
    bytes: 1,
  },
  "ubuntu/jammy/amd64": {
    serial: "20261101",
    products: { [product("22.04", "ga-22.04")]: ["20261101"] },
    bytes: 1,
  },
});
const lacking = [
  { os: "ubuntu", release: "focal", architecture: "amd64" },
  { os: "ubuntu", release: "jammy", architecture: "amd64", kernels: ["hwe-22.04"] },
  { os: "ubuntu", release: "noble", architecture: "arm64" },
];
const select = (release: string, arches = ["amd64"], subarches = ["*"]) =>
  notServed({ os: "ubuntu", release, arches, subarches }, held, lacking);

test("a release and a kernel that the mirror holds can be selected", () => {
  expect(select("noble")).toBeUndefined();
  expect(select("jammy", ["amd64"], ["ga-22.04"])).toBeUndefined();
});

test.each([
  [
    "a release",
    select("focal"),
    /has ubuntu\/focal for no architecture, not for amd64: add it to the mirror's images/,
  ],
  ["an architecture", select("noble", ["amd64", "arm64"]), /has ubuntu\/noble for amd64, not for arm64/],
  ["any architecture", select("noble", ["*"]), /\* also selects ubuntu noble arm64, .* \(amd64\)/],
  ["a kernel", select("jammy", ["amd64"], ["hwe-22.04"]), /hwe-22\.04 also selects ubuntu jammy amd64/],
  ["any kernel", select("jammy"), /\* also selects ubuntu jammy amd64 \(hwe-22\.04\).* list other subarches/],
])("%s that the index offers but the mirror does not hold cannot be selected", (_, fault, message) => {
  expect(fault).toMatch(message);
});
