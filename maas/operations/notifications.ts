import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

const schema = z.looseObject({
  id: z.int(),
  ident: z.string().nullish(),
  category: z.string(),
  message: z.string(),
});

/** A message that MAAS shows its users, e.g. that an image source cannot be reached. */
interface Notification {
  readonly id: number;
  /** `Image importer`, if MAAS has set one. */
  readonly ident: string;
  readonly category: "error" | "warning" | "success" | "info";
  /** May contain HTML. */
  readonly message: string;
}

export async function listNotifications(maas: MaasReader): Promise<Notification[]> {
  const step = "reading the notifications of MAAS";
  const answer = await maas.get("notifications/", { step });
  return checkedAnswer(z.array(schema), answer, step).map(({ id, ident, category, message }) => ({
    id,
    ident: ident ?? "",
    category: category as Notification["category"],
    message,
  }));
}

/** Deletes a notification for all users. Dismissing it would hide it only for one user. */
export async function deleteNotification(maas: MaasClient, id: number): Promise<void> {
  await maas.delete(`notifications/${id}/`, { step: `deleting the notification ${id} of MAAS` });
}
