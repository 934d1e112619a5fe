import { expect, test } from "@jest/globals";
import { parseProducts } from "../../../../content/simplestreams/products.ts";
import { selectProducts } from "../../../../content/simplestreams/selection.ts";
import { kernel, productFile, ubuntuId } from "./small-stream.ts";

test("selecting from a product file of 10 MB reads the files of the selected versions only", () => {
  const serials = Array.from({ length: 40 }, (_, index) => `202601${String(index).padStart(2, "0")}`);
  const products = Object.fromEntries(
    Array.from({ length: 360 }, (_, index) => [
      `com.ubuntu.maas.stable:v3:boot:24.04:amd64:${index}`,
      kernel(index % 2 === 0 ? "noble" : "jammy", "amd64", `ga-${index}`, serials),
    ]),
  );
  const text = JSON.stringify(productFile(ubuntuId, products), undefined, 1);
  expect(text.length).toBeGreaterThan(10_000_000);
  const list = parseProducts(text, "products");
  let versionsRead = 0;
  const counted = list.products.map((product) => ({
    ...product,
    items: (serial: string) => {
      versionsRead++;
      return product.items(serial);
    },
  }));
  const { selected } = selectProducts(
    [{ ...list, products: counted }],
    [{ os: "ubuntu", releases: ["noble"], architectures: ["amd64"] }],
    5,
  );
  expect(selected.flatMap(({ files }) => files)).toHaveLength(180 * 5 * 3);
  expect(versionsRead).toBe(180 * 5);
});
