import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { ControlRequest } from "../../../lab/maas/control.ts";

/** Sets faults of the stand-in over its control socket. */
export async function control(socketPath: string, asked: ControlRequest): Promise<void> {
  const sent = request({ socketPath, path: "/control", method: "POST" });
  sent.end(JSON.stringify(asked));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
}
