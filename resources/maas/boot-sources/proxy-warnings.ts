import type { MaasReader } from "../../../maas/client.ts";
import { getConfig } from "../../../maas/operations/config.ts";

/** Warnings about MAAS's proxy: mirrors are mostly in its own network, and the proxy is not. */
export async function proxyWarnings(reader: MaasReader): Promise<string[]> {
  const proxy = await getConfig(reader, "http_proxy");
  if (!proxy) return [];
  if ((await getConfig(reader, "enable_http_proxy")) === false) return [];
  if ((await getConfig(reader, "boot_images_no_proxy")) === true) return [];
  const shown = String(proxy).replace(/\/\/[^@/]*@/, "//");
  return [
    `MAAS fetches images through its proxy ${shown}. If the mirror cannot be reached through that, set boot_images_no_proxy to true (MAAS applies it to the image files since 3.5.9, 3.6.3 and 3.7.0).`,
  ];
}
