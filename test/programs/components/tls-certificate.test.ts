import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { tlsFindings } from "../../../components/serving/tls-certificate.ts";

let folder: string;
const at = (name: string) => join(folder, name);
const text = (...names: string[]) => names.map((name) => readFileSync(at(name), "utf8")).join("");
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tls-"));
  const ca = (name: string, ...signer: string[]) =>
    openssl(
      ..."req -x509 -newkey rsa:2048 -nodes -days 3650".split(" "),
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
      ...signer,
    );
  ca("root");
  ca("between", "-CA", "root.crt", "-CAkey", "root.key");
  const san = "subjectAltName=DNS:m.example,DNS:*.w.example,IP:192.0.2.1";
  openssl(
    ..."req -x509 -newkey rsa:2048 -nodes -days 300 -subj /CN=m.example -keyout m.key -out m.crt".split(" "),
    "-CA",
    "between.crt",
    "-CAkey",
    "between.key",
    "-addext",
    san,
    "-addext",
    "basicConstraints=CA:FALSE",
  );
  openssl(
    ..."req -x509 -newkey rsa:1024 -nodes -days 300 -subj /CN=weak -keyout weak.key -out weak.crt".split(" "),
  );
  openssl(..."ecparam -name prime256v1 -genkey -out ec.key".split(" "));
  openssl(..."req -x509 -key ec.key -days 300 -subj /CN=ec -out ec.crt".split(" "));
  openssl(..."pkey -in m.key -aes256 -passout pass:x -out encrypted.key".split(" "));
  openssl(..."rsa -in m.key -traditional -aes256 -passout pass:x -out encrypted-old.key".split(" "));
  openssl(..."rsa -in m.key -traditional -out old.key".split(" "));
  openssl(..."x509 -in m.crt -outform der -out m.der".split(" "));
  openssl(..."req -new -key m.key -subj /CN=m.example -out m.csr".split(" "));
  openssl(..."pkey -in m.key -pubout -out m.pub".split(" "));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["m.key", ["m.crt", "between.crt", "root.crt"]],
  ["old.key", ["m.crt"]],
  ["ec.key", ["ec.crt"]],
])("key %s with certificates %j is accepted, and the validity is shown", (key, certificate) => {
  const findings = tlsFindings({ certificate: text(...certificate), key: text(key) }, []);
  expect(findings).toEqual({
    faults: [],
    warnings: [],
    validity: expect.stringMatching(/valid from \d{4}-/),
  });
  // nginx accepts also the text that openssl prints around it, and Windows line ends.
  const windows = `bag attributes\n${text(...certificate)}`.replaceAll("\n", "\r\n");
  expect(tlsFindings({ certificate: windows, key: text(key) }, []).faults).toEqual([]);
});

test.each<[string, () => string, RegExp]>([
  ["empty", () => " \n", /empty/],
  ["plain text", () => "a certificate, soon", /holds no PEM certificate/],
  ["a file name", () => "/etc/ssl/m.crt", /not its name/],
  ["in DER form", () => readFileSync(at("m.der")).toString("utf8"), /DER/],
  ["a private key", () => text("m.key"), /swapped/],
  ["a certificate with a private key", () => text("m.crt", "m.key"), /every user of the host could read/],
  ["a certificate request", () => text("m.csr"), /request/],
  ["cut off", () => text("m.crt").slice(0, 400), /cut off/],
  [
    "damaged",
    () => text("m.crt").replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA"),
    /number 1 is damaged/,
  ],
  [
    "a chain with a damaged second certificate",
    () => text("m.crt") + text("root.crt").replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA"),
    /number 2 is damaged/,
  ],
  [
    "a chain that begins with the authority",
    () => text("between.crt", "m.crt"),
    /number 2: it must be the first/,
  ],
  ["of a key of 1024 bits", () => text("weak.crt"), /1024 bits/],
])("a certificate is refused if it is %s", (_, certificate, reason) => {
  const { faults } = tlsFindings({ certificate: certificate(), key: text("m.key") }, []);
  expect(faults.filter(({ path }) => path === "certificate").map(({ message }) => message)).toEqual([
    expect.stringMatching(reason),
  ]);
});

test.each<[string, () => string, RegExp]>([
  ["empty", () => "", /empty/],
  [
    "the key of another certificate",
    () => text("root.key"),
    /not the key of the certificate \(of m.example\)/,
  ],
  ["encrypted", () => text("encrypted.key"), /encrypted/],
  ["encrypted in the old format", () => text("encrypted-old.key"), /encrypted/],
  ["a certificate", () => text("m.crt"), /no private key but a certificate/],
  ["a public key", () => text("m.pub"), /no private key but a public key/],
  ["damaged", () => text("m.key").replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA"), /damaged/],
])("a key is refused, and not shown, if it is %s", (_, key, reason) => {
  const { faults } = tlsFindings({ certificate: text("m.crt"), key: key() }, []);
  expect(faults).toEqual([{ path: "key", message: expect.stringMatching(reason) }]);
  for (const line of key()
    .split("\n")
    .filter((line) => line.length > 20 && !line.startsWith("-")))
    expect(JSON.stringify(faults)).not.toContain(line);
});

test("a certificate with a wrong name, date or chain order causes a warning", () => {
  const pair = { certificate: text("m.crt"), key: text("m.key") };
  const names = ["m.example", "M.EXAMPLE", "a.w.example", "192.0.2.1"];
  expect(tlsFindings(pair, names).warnings).toEqual([]);
  expect(tlsFindings(pair, ["a.b.w.example", "192.0.2.2", "m.example"]).warnings).toEqual([
    expect.stringMatching(/not for a.b.w.example, 192.0.2.2 \(its names: DNS:m.example/),
  ]);
  const days = (count: number) => new Date(Date.now() + count * 86_400_000);
  expect(tlsFindings(pair, [], days(290)).warnings).toEqual([expect.stringContaining("expires on")]);
  expect(tlsFindings(pair, [], days(301)).warnings).toEqual([expect.stringContaining("expired on")]);
  expect(tlsFindings(pair, [], days(-2)).warnings).toEqual([expect.stringContaining("only from")]);
  const disordered = tlsFindings({ ...pair, certificate: text("m.crt", "root.crt", "between.crt") }, []);
  expect(disordered).toMatchObject({ faults: [], warnings: [expect.stringContaining("number 2")] });
  // A certificate is checked before its key is known.
  expect(tlsFindings({ ...pair, key: undefined }, []).validity).toContain("m.example");
});
