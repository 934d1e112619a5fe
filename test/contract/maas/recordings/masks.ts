import { adminKey } from "../region-process.ts";

/*
 * All differences that are allowed between an answer and the recorded one, with the reason. The rest must be equal.
 *
 * | what                                | why                                                                       |
 * | ----------------------------------- | ------------------------------------------------------------------------- |
 * | ids, also in paths                  | rows differ in the gaps: each recorded id is mapped to one of ours        |
 * | `created` and `updated`             | the time differs: the format is compared, and whether they are equal      |
 * | order of an object's members        | Python's objects kept no order; the layout is compared                    |
 * | order of sources and repositories   | MAAS's query has no order, so a changed row may be anywhere               |
 * | order of `Allow`                    | a set in Python                                                           |
 * | the keyring of the stream           | the tests have their own signing key                                      |
 * | addresses of region and stream      | both are on free ports here                                               |
 * | `version`                           | the recorded region ran from its sources and did not know its own version |
 * | `given N and now M`, and timestamps | the time differs; the difference is compared                              |
 * | keys in refusals                    | not recorded; the recordings have placeholders: `<admin-token_secret>`    |
 */

/** The replacements of recorded values. The recorded value is on the left. */
export interface Replaced {
  readonly recorded: string;
  readonly here: string;
}

/** The placeholder of the administrator's key in the recordings. */
export function namedKey(): Replaced[] {
  const [consumer = "", token = "", secret = ""] = adminKey.split(":");
  return [
    { recorded: "<admin-consumer_key>", here: consumer },
    { recorded: "<admin-token_key>", here: token },
    { recorded: "<admin-token_secret>", here: secret },
  ];
}

/** Lists whose rows have no fixed order. */
const unordered = /^\/MAAS\/api\/2\.0\/(boot-sources|package-repositories)\/$/;

/** The map of recorded ids to ours. It is learned from pairs of answers. */
export class Ids {
  readonly #here = new Map<string, number>();

  learn(kind: string, recorded: number, here: number): void {
    const key = `${kind}/${recorded}`;
    if (
      !this.#here.has(key) &&
      ![...this.#here].some(([name, id]) => name.startsWith(`${kind}/`) && id === here)
    ) {
      this.#here.set(key, here);
    }
  }

  /** A recorded path with our ids. Ids without a known answer are not changed. */
  path(path: string): string {
    return path.replace(
      /(boot-sources|selections|boot-resources|package-repositories|domains|dnsresources)\/(\d+)/g,
      (_, kind, id) => {
        return `${kind}/${this.#here.get(`${kind}/${id}`) ?? id}`;
      },
    );
  }

  /** The recorded id of one of ours, or undefined. */
  recorded(kind: string, here: number): number | undefined {
    const key = [...this.#here].find(([name, id]) => name.startsWith(`${kind}/`) && id === here)?.[0];
    return key === undefined ? undefined : Number(key.slice(kind.length + 1));
  }
}

/**
 * A body without the parts that differ in each run. `ids` is undefined for a recorded body, which has the
 * recorded ids.
 */
export function masked(body: string, path: string, ids: Ids | undefined): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return maskedText(body);
  }
  const rows = maskedValue(value, ids);
  const layout = body === JSON.stringify(value, undefined, 4) ? "indented by 4" : "one line";
  if (!Array.isArray(rows) || !unordered.test(path)) return { layout, value: rows };
  return { layout, value: rows.sort((left, right) => left.id - right.id) };
}

/** Learns the map of ids from a recorded body and ours, if both show the same rows. */
export function learnIds(ids: Ids, recordedBody: string, body: string): void {
  const [recorded, here] = [rowsOf(recordedBody), rowsOf(body)];
  if (recorded.length !== here.length) return;
  for (const [index, row] of recorded.entries()) {
    const kind = kindOf(row);
    const ours = here[index];
    if (kind !== undefined && ours !== undefined && kindOf(ours) === kind) ids.learn(kind, row.id, ours.id);
  }
}

/** The part of a header that is compared. */
export function maskedHeader(name: string, value: string | undefined): string | undefined {
  return name === "Allow" ? value?.split(", ").sort().join(", ") : value;
}

interface Row {
  readonly id: number;
  readonly resource_uri?: unknown;
}

function rowsOf(body: string): Row[] {
  try {
    const value = JSON.parse(body);
    return (Array.isArray(value) ? value : [value]).filter((row) => typeof row?.id === "number");
  } catch {
    return [];
  }
}

/** The kind of a row: the last collection in its address. */
function kindOf({ resource_uri }: Row): string | undefined {
  return typeof resource_uri === "string" ? /([a-z-]+)\/[^/]+\/$/.exec(resource_uri)?.[1] : undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: rows of any kind
function maskedValue(value: unknown, ids: Ids | undefined): any {
  if (Array.isArray(value)) return value.map((one) => maskedValue(one, ids));
  if (typeof value !== "object" || value === null) return value;
  const object = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, holdsRows(inner) ? maskedValue(inner, ids) : inner]),
  ) as Record<string, unknown>;
  if ("created" in object && "updated" in object) {
    object.updated = object.updated === object.created ? "when it was created" : timeForm(object.updated);
    object.created = timeForm(object.created);
  } else if ("created" in object) object.created = timeForm(object.created);
  if ("version" in object && "capabilities" in object) object.version = "its version";
  if (ids !== undefined && typeof object.id === "number") {
    const kind = kindOf(object as unknown as Row);
    if (kind !== undefined) object.id = ids.recorded(kind, object.id) ?? `no recorded id: ${object.id}`;
    if (typeof object.boot_source_id === "number") {
      object.boot_source_id = ids.recorded("boot-sources", object.boot_source_id);
    }
    object.resource_uri = String(object.resource_uri).replace(/([a-z-]+)\/(\d+)/g, (_, name, id) => {
      return `${name}/${ids.recorded(name, Number(id)) ?? id}`;
    });
  }
  return object;
}

/** Whether it is a list of objects, such as the addresses of a name. */
function holdsRows(value: unknown): boolean {
  return Array.isArray(value) && value.some((one) => typeof one === "object");
}

function timeForm(value: unknown): string {
  return String(value).replace(/\d/g, "0");
}

function maskedText(text: string): string {
  return text
    .replace(/given (\d+) and now (\d+)/, (_, given, now) => {
      return `given a time and now about ${Math.round((now - given) / 10) * 10} seconds later`;
    })
    .replace(/oauth_timestamp%3D\d+/, "oauth_timestamp%3Da time");
}
