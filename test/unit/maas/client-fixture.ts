import { ExplainedError } from "../../../errors/explained-error.ts";
import { MaasClient, type MaasConnection } from "../../../maas/client.ts";
import type { MaasRefusal } from "../../../maas/refusal.ts";
import type { TransportAnswer, TransportRequest } from "../../../maas/transport.ts";

export const secret = "s".repeat(32);
export const key = { consumerKey: "c".repeat(18), tokenKey: "t".repeat(18), tokenSecret: secret };
export const step = "asking";

interface Sent extends TransportRequest {
  readonly url: string;
  readonly auth: Record<string, string>;
}

/** A client, and its requests to a server with these answers. The last answer is repeated. */
export function fixture(answers: (Answer | Error)[], settings: Partial<MaasConnection> = {}) {
  const sent: Sent[] = [];
  const warnings: string[] = [];
  const client = new MaasClient({
    url: "http://localhost:5240/MAAS/",
    key,
    retryPauses: [0, 0, 0],
    warn: (line) => warnings.push(line),
    transport: async (url, request) => {
      const fields = request.headers.authorization?.matchAll(/(\w+)="([^"]*)"/g) ?? [];
      sent.push({
        ...request,
        url,
        auth: Object.fromEntries([...fields].map(([, name, value]) => [name, value])),
      });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error || !answer) throw answer;
      return answerOf(answer);
    },
    ...settings,
  });
  return { client, sent, warnings };
}

export interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body?: string;
  readonly date?: Date;
  readonly authenticate?: string;
}

export function answerOf(answer: Answer): TransportAnswer {
  const { status = 200, type = "application/json", body = "{}", date, authenticate } = answer;
  const headers = {
    "content-type": type,
    ...(date ? { date: date.toUTCString() } : {}),
    ...(authenticate ? { "www-authenticate": authenticate } : {}),
  };
  return { status, headers, body: Buffer.from(body) };
}

export function broken(code: string): ExplainedError {
  const cause = Object.assign(new Error(`connect ${code}`), { code });
  return new ExplainedError({
    step: "fetching",
    found: `the connection broke (${code})`,
    remedy: "Look.",
    cause,
  });
}

export async function failure(call: Promise<unknown>): Promise<MaasRefusal> {
  return (await call.then(
    () => undefined,
    (error) => error,
  )) as MaasRefusal;
}
