/** The complete scripts that hosts run, with sample settings, as input for ShellCheck. */
import type { Host } from "../../hosts/host.ts";
import { jobWrapper, runJob } from "../../hosts/jobs.ts";
import { remoteScript } from "../../hosts/remote-shell.ts";
import { replaceFileScript } from "../../hosts/upload.ts";
import type { DeclaredPath } from "../../resources/host/ledger/declared-path.ts";
import { pathClaims } from "../../resources/host/ledger/path-claims.ts";
import { pathProbe } from "../../resources/host/ledger/path-probe.ts";
import { ledgerPlace } from "../../resources/host/ledger/place.ts";
import { packages } from "../../resources/host/packages.ts";
import { serviceProbe } from "../../resources/host/services/service-probe.ts";
import { services } from "../../resources/host/services.ts";
import { keyProbe } from "../../resources/host/signing-key/key-probe.ts";
import { signingKey } from "../../resources/host/signing-key.ts";
import { sysctl } from "../../resources/host/sysctl.ts";
import type { ResourceContext } from "../../resources/kernel/definition.ts";
import { type AptTreeSettings, publishScript, restoreScript } from "../../resources/mirror/apt/scripts.ts";
import * as customImage from "../../resources/mirror/custom-image/scripts.ts";
import * as images from "../../resources/mirror/images/scripts.ts";
import {
  disownScript,
  foreignNamesScript,
  observeScript,
  removeScript,
  type TreeSettings,
} from "../../resources/mirror/published-tree/scripts.ts";
import { uploadTexts } from "../../resources/mirror/published-tree/upload-texts.ts";

const id = "sample_of_dev_of_airgapped-maas";
const digest = "0123456789abcdef".repeat(4);
const mirror: TreeSettings = {
  owner: id,
  directory: "/srv/airgapped-maas/sample",
  store: "/srv/airgapped-maas/store",
  upstream: "https://archive.example.org/ubuntu",
  fetch: { parallel: 4, stallSeconds: 30 },
  keep: 3,
  plan: digest,
  planText: digest,
  summary: digest,
  contents: digest,
};
const keptTree = "000001-0123456789ab";
const signingKeyOnHost = {
  directory: `${ledgerPlace.directory}/keys/${id}`,
  fingerprint: "0123456789".repeat(4),
  suites: ["noble", "noble-updates"],
  validSeconds: 0,
  completePhases: false,
};
const aptMirrors: readonly Pick<AptTreeSettings, "signing" | "signingKey">[] = [
  { signing: "upstream" },
  { signing: "mirror", signingKey: signingKeyOnHost },
];

const owner = { owner: "root", group: "root" };
const paths: readonly DeclaredPath[] = [
  { type: "held", path: "TCP port 80", value: "http" },
  { type: "directory", path: "/etc/sample.d", mode: "0755", ...owner },
  { type: "file", path: "/etc/sample.d/a.conf", content: "a\n", mode: "0644", ...owner },
  { type: "link", path: "/etc/sample", target: "sample.d" },
  { type: "absent", path: "/etc/sample.old" },
];
const unit = "sample.service";
const checks = { [unit]: { command: "sample -t", ports: [80, 443] } };

/**
 * The scripts by name. A name with a slash belongs to a kind, e.g. `publish/images`: the names of all jobs that publish a
 * tree begin with `publish/`.
 */
export async function hostScripts(): Promise<ReadonlyMap<string, string>> {
  const claims = pathClaims(id, paths, () => true, ledgerPlace, checks);
  const keyInputs = await signingKey.inputs.parseAsync(sampleKey);
  const scripts: Record<string, string> = {
    ...Object.fromEntries(
      aptMirrors.flatMap((kind) => [
        [`publish/apt-${kind.signing}`, publishScript({ ...mirror, ...kind })],
        [`restore/apt-${kind.signing}`, restoreScript({ ...mirror, ...kind }, keptTree)],
      ]),
    ),
    "publish/images": images.publishScript(mirror),
    "restore/images": images.restoreScript(mirror, keptTree),
    "publish/custom-image": customImage.publishScript(mirror, signingKeyOnHost),
    "tree/observe": observeScript(mirror),
    "tree/foreign-names": foreignNamesScript(mirror),
    "tree/remove": removeScript(mirror),
    "tree/disown": disownScript(mirror, ["reprepro"]),
    "claims/change": `${claims.prologue}\n${claims.body}`,
    "claims/look": [claims.prologue, claims.checkScript, claims.trial].join("\n"),
    "claims/trial": hereDocument(claims.trial),
    "probe/paths": pathProbe(id, paths).script,
    "probe/services": serviceProbe(id, [unit, "other.socket"], ["/etc/a", "/etc/b"]).script,
    "probe/key": keyProbe(signingKeyOnHost.directory).script,
    "job/wrapper": jobWrapper,
    "upload/file": replaceFileScript("/etc/sample", { mode: 0o644, ...owner }),
    "remote/script": remoteScript("true", { sudo: false }).preamble.toString(),
  };
  const told: Record<string, readonly string[]> = {
    "job/run": await scriptsOf(({ host }) => runJob(host, { name: id, script: "true" }), ["started run-1"]),
    "tree/upload-texts": await scriptsOf(({ host }) =>
      uploadTexts(host, mirror.store, [Buffer.from("text")]),
    ),
    "packages/change": await scriptsOf((context) =>
      packages.apply(context, { host: "host", packages: { nginx: "installed", jq: "1.6-2.1" } }, undefined),
    ),
    "sysctl/read": await scriptsOf(async (context) =>
      sysctl.preflight?.(
        context,
        { host: "host", settings: { "vm.swappiness": "1", "a.b": "2" } },
        undefined,
        true,
      ),
    ),
    "services/change": await scriptsOf(async (context) =>
      services.apply(context, await services.inputs.parseAsync(sampleServices), undefined),
    ),
    "key/make": await scriptsOf((context) => signingKey.apply(context, keyInputs, undefined)),
    "key/remove": await scriptsOf((context) =>
      signingKey.remove(
        context,
        { ...keyInputs, keepOnRemove: false },
        { publicKey: "", publicKeyBinary: "", fingerprint: signingKeyOnHost.fingerprint },
      ),
    ),
  };
  return new Map([
    ...Object.entries(scripts),
    ...Object.entries(told).flatMap(([name, all]) =>
      all.map((script, index): [string, string] => [index === 0 ? name : `${name}-${index + 1}`, script]),
    ),
  ]);
}

const sampleKey = {
  host: "host",
  userId: "Mirror <mirror@example.org>",
  directory: signingKeyOnHost.directory,
  expires: "5y",
};
const sampleServices = {
  host: "host",
  services: {
    [unit]: { unit: "[Service]\n", dropIns: { "a.conf": "[Unit]\n" }, reloadOn: { "/etc/sample": digest } },
  },
};

/** The here-document of a script, which another shell reads from its standard input. */
function hereDocument(script: string): string {
  const [, , text] = /<<'(\S+)'.*\n([\s\S]*?\n)\1\n/.exec(script) ?? [];
  if (text === undefined) throw new Error("The script has no here-document");
  return text;
}

/** The scripts that `work` runs on a host. The host answers the first ones with `answers`, and no others. */
async function scriptsOf(
  work: (context: ResourceContext) => Promise<unknown>,
  answers: readonly string[] = [],
): Promise<string[]> {
  const scripts: string[] = [];
  let isSilent = false;
  const answered = (script: string): string => {
    const answer = answers[scripts.length];
    scripts.push(script);
    if (answer !== undefined) return answer;
    isSilent = true;
    throw new Error("The host does not answer");
  };
  const refuse = async () => {
    throw new Error("Only scripts are recorded");
  };
  const host: Host = {
    name: "host",
    run: async (script) => ({ code: 0, stdout: answered(script), stderr: "" }),
    facts: async ({ script, parse }) => parse(answered(script)),
    job: async ({ script }) => ({ code: 0, tail: [answered(script)], attached: false }),
    upload: refuse,
    fetch: refuse,
  };
  try {
    await work({ id, host, progress: () => {}, warn: () => {} });
  } catch (error) {
    if (!isSilent) throw error;
  }
  return scripts;
}
