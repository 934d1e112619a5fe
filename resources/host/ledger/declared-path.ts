import { digestOf } from "../../../values/digest.ts";

/** The declared state of a path. */
export type DeclaredPath =
  | ({
      readonly type: "file";
      readonly path: string;
      readonly content: string;
      /** Whether its content must not be shown. */
      readonly secret?: boolean;
    } & Attributes)
  | ({ readonly type: "directory"; readonly path: string } & Attributes)
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "absent"; readonly path: string }
  /** No file, but a name such as `port 80`, which others may hold too if they say the same of it. */
  | { readonly type: "held"; readonly path: string; readonly value: string };

interface Attributes {
  /** Four octal digits. */
  readonly mode: string;
  /** A name or a number on the host. */
  readonly owner: string;
  readonly group: string;
}

/** A regular file that all users may read and only root may change. */
export function rootFile(path: string, content: string) {
  return { type: "file", path, content, mode: "0644", owner: "root", group: "root" } as const;
}

/** A claimed name instead of a file. Other resources may claim it with the same value. */
export function held(path: string, value: string) {
  return { type: "held", path, value } as const;
}

/**
 * The text that is compared to find out whether resources declare the same for a path: its type and a digest of the
 * rest.
 */
export function declarationOf(declared: DeclaredPath): string {
  switch (declared.type) {
    case "file": {
      const { mode, owner, group, content } = declared;
      return `file ${digestOf(JSON.stringify([mode, owner, group, digestOf(content)]))}`;
    }
    case "directory":
      return `directory ${digestOf(JSON.stringify([declared.mode, declared.owner, declared.group]))}`;
    case "link":
      return `link ${digestOf(declared.target)}`;
    case "absent":
      return "absent";
    case "held":
      return `held ${digestOf(declared.value)}`;
  }
}

/** The directories that contain a path, outermost first, without `/`. */
export function ancestorsOf(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}
