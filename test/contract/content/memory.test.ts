import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import {
  kernel,
  loaders,
  productFile,
  publishStream,
  smallStream,
  ubuntuId,
} from "../../unit/content/simplestreams/small-stream.ts";
import { newKey } from "../../unit/content/small-archive.ts";

const directory = mkdtempSync(join(tmpdir(), "memory-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A stream in a directory, with a product file as large as that of images.maas.io. */
async function largeStream(): Promise<number> {
  const key = await newKey();
  const stream = smallStream(key);
  const serials = Array.from({ length: 40 }, (_, index) => `202601${String(index).padStart(2, "0")}`);
  const products = Object.fromEntries(
    Array.from({ length: 365 }, (_, index) => [
      `com.ubuntu.maas.stable:v3:boot:24.04:amd64:${index}`,
      kernel(index % 2 === 0 ? "noble" : "jammy", "amd64", `ga-${index}`, serials),
    ]),
  );
  await publishStream(stream, [productFile(ubuntuId, { ...products, ...loaders() })]);
  for (const [path, bytes] of stream.files) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  writeFileSync(join(directory, "key.asc"), key.toPublic().armor());
  return Math.max(...[...stream.files.values()].map(({ length }) => length));
}

test("verifying and planning from a product file of 10.5 MB takes less than 100 MB", async () => {
  expect(await largeStream()).toBeGreaterThan(10_500_000);
  const program = join(import.meta.dirname, "plan-images.ts");
  // With the options of a user's process, not those of this process.
  const env = { PATH: process.env.PATH ?? "" };
  const { files, before, peak } = JSON.parse(
    execFileSync(process.execPath, [program, directory], { encoding: "utf8", env }),
  );
  expect(files).toBeGreaterThan(150);
  expect(peak - before).toBeLessThan(100);
  expect(peak).toBeLessThan(300);
});
