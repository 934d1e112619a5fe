import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

const schema = z.looseObject({
  id: z.int(),
  ident: z.string().nullish(),
  category: z.string(),
  message: z.string(),
});

/** What MAAS shows its users, e.g. that an image source cannot be reached. */
export interface Notification {
  readonly id: number;
  /** `Image importer`, where MAAS gave one. */
  readonly ident: string;
  readonly category: "error" | "warning" | "success" | "info";
  /** May hold HTML. */
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

/** Takes a notification away from everybody; dismissing it would do so for the one user alone. */
export async function deleteNotification(maas: MaasClient, id: number): Promise<void> {
  await maas.delete(`notifications/${id}/`, { step: `deleting the notification ${id} of MAAS` });
}
