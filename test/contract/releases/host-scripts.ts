/* Prints the number of bytes of each script for hosts, built by the project in the given directory. */

const directory = process.argv[2];
const apt: typeof import("../../../resources/mirror/apt/scripts.ts") = await import(
  `${directory}/resources/mirror/apt/scripts.ts`
);
const images: typeof import("../../../resources/mirror/images/scripts.ts") = await import(
  `${directory}/resources/mirror/images/scripts.ts`
);
const customImage: typeof import("../../../resources/mirror/custom-image/scripts.ts") = await import(
  `${directory}/resources/mirror/custom-image/scripts.ts`
);
const tree: typeof import("../../../resources/mirror/published-tree/scripts.ts") = await import(
  `${directory}/resources/mirror/published-tree/scripts.ts`
);

const digest = "0".repeat(64);
const place = { owner: "m", directory: "/srv/m", store: "/srv/store" };
const settings = {
  ...place,
  upstream: "http://archive.example/ubuntu",
  fetch: { parallel: 1, stallSeconds: 30 },
  keep: 1,
  plan: digest,
  planText: digest,
  summary: digest,
  contents: digest,
};
const signingKey = {
  directory: "/var/lib/m",
  fingerprint: "F".repeat(40),
  suites: ["noble"],
  validSeconds: 0,
  completePhases: true,
};
const kept = "000001-0123456789ab";

const scripts = {
  publishPackages: apt.publishScript({ ...settings, signing: "mirror", signingKey }),
  publishUntouchedPackages: apt.publishScript({ ...settings, signing: "upstream" }),
  restorePackages: apt.restoreScript({ ...settings, signing: "mirror", signingKey }, kept),
  publishImages: images.publishScript(settings),
  restoreImages: images.restoreScript(settings, kept),
  publishCustomImage: customImage.publishScript(settings, signingKey),
  observe: tree.observeScript(place),
  remove: tree.removeScript(place),
};
const bytes = Object.entries(scripts).map(([name, script]) => [name, Buffer.byteLength(script)]);
console.log(JSON.stringify(Object.fromEntries(bytes)));
