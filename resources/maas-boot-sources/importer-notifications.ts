import type { MaasReader } from "../../maas/client.ts";
import { listNotifications } from "../../maas/operations/notifications.ts";

/** What MAAS's image importer complains of; empty where it does not. */
export async function importerSays(reader: MaasReader): Promise<string> {
  const complaints = (await listNotifications(reader)).filter(
    ({ ident, category, message }) =>
      (category === "error" || category === "warning") &&
      (/image importer/i.test(ident) || /boot (source|resource)|import images/i.test(message)),
  );
  return complaints.map(({ message }) => textOf(message)).join("; ");
}

/** Notifications hold HTML. */
function textOf(message: string): string {
  return message
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
