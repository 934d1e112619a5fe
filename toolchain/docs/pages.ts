import { z } from "zod";
import { aptMirrorSchema } from "../../components/apt-mirror/args.ts";
import { programClientCheckSchema } from "../../components/apt-mirror/client-check-args.ts";
import { fieldOf } from "../../components/arguments/schema-fields.ts";
import { programUploadSchema, streamSchema } from "../../components/custom-image/args.ts";
import { imageMirrorSchema } from "../../components/image-mirror/args.ts";
import { maasArchiveArguments } from "../../components/maas/archive-args.ts";
import { maasBootSourceArguments } from "../../components/maas/boot-source-args.ts";
import { maasSettingsArguments } from "../../components/maas/settings-args.ts";
import { files } from "../../resources/host/files.ts";
import { packages } from "../../resources/host/packages.ts";
import { services } from "../../resources/host/services.ts";
import { signingKey } from "../../resources/host/signing-key.ts";
import { sysctl } from "../../resources/host/sysctl.ts";
import { siteSchema } from "../../site/site.ts";
import { type Page, pageText, type Section, sectionsOfParts } from "./reference-page.ts";

/* The pages of docs/reference. */

const outputs =
  "Every argument can be an output of another resource, unless its description excludes this. An output is checked when it is known.";

/** The page of a component: its arguments in a program. */
function component(
  file: string,
  name: string,
  what: string,
  schemas: Readonly<Record<string, z.core.$ZodType>>,
): Page {
  return {
    file,
    title: name,
    about: `${what}\n\n${outputs}`,
    sections: Object.entries(schemas).map(([heading, schema]) => ({
      heading,
      schema,
      kind: "arguments of a program",
    })),
  };
}

interface Definition {
  readonly kind: string;
  readonly inputs: z.ZodObject;
  readonly outputs: z.ZodObject;
  readonly secrets?: readonly string[];
}

/** The page of a resource, from its definition. */
function resource(file: string, definition: Definition, what: string): Page {
  const { kind, inputs, outputs: made, secrets = [] } = definition;
  const paths = secrets.map((path) => path.replaceAll("*", "NAME"));
  const tables: Section[] = [
    { heading: "Arguments", schema: inputs, kind: "arguments of a program", secrets: paths },
    { heading: "Outputs", schema: made, kind: "outputs", secrets: paths },
  ];
  return {
    file,
    title: kind,
    about: `${what}\n\n${outputs}`,
    sections: tables.filter(({ schema }) => Object.keys((schema as z.ZodObject).shape).length > 0),
  };
}

/** The sections of a key in the stack file. A key with several forms has a section for each form. */
function stackSections(name: string, schema: z.core.$ZodType): Section[] {
  const field = fieldOf(schema);
  const { description = "" } = field.meta;
  const { def } = field.type._zod;
  const section = (heading: string, of: z.core.$ZodType): Section => ({
    heading,
    about: description,
    schema: of,
    kind: "values of a file",
  });
  if (def.type === "object") return [section(name, schema)];
  if (def.type !== "record") return [section(name, z.strictObject({ [name]: schema as z.ZodType }))];
  const inner = fieldOf(def.valueType).type._zod.def;
  if (inner.type !== "union") return [section(`${name}.NAME`, def.valueType)];
  return inner.options.map((option) => {
    const { via } = (fieldOf(option).type as z.ZodObject).shape;
    const way = fieldOf(via as z.ZodType).type as z.ZodLiteral;
    return section(`${name}.NAME with via: ${way.value}`, option);
  });
}

export const pages: readonly Page[] = [
  component("apt-mirror.md", "AptMirror", "[A mirror of packages](../apt-mirror.md).", {
    Arguments: aptMirrorSchema,
  }),
  component("image-mirror.md", "ImageMirror", "[A mirror of MAAS's images](../image-mirror.md).", {
    Arguments: imageMirrorSchema,
  }),
  component("custom-image.md", "CustomImage", "[A custom image](../custom-image.md) that MAAS deploys.", {
    "Arguments with via: stream": streamSchema,
    "Arguments with via: upload": programUploadSchema,
  }),
  component("maas-settings.md", "MaasSettings", "[MAAS's settings](../maas-settings.md).", {
    Arguments: maasSettingsArguments,
  }),
  component("maas-archive.md", "MaasArchive", "[Where machines get their packages](../maas-archive.md).", {
    Arguments: maasArchiveArguments,
  }),
  component(
    "maas-boot-source.md",
    "MaasBootSource",
    "[Where MAAS gets its images from](../maas-boot-source.md).",
    { Arguments: maasBootSourceArguments },
  ),
  component(
    "client-check.md",
    "ClientCheck",
    "[A test](../getting-started.md#have-a-client-checked) that installs a package from a mirror on a client after each change.",
    { Arguments: programClientCheckSchema },
  ),
  resource("files.md", files, "Files, directories and links of a host."),
  resource("packages.md", packages, "Debian packages of a host."),
  resource("services.md", services, "Units of systemd on a host."),
  resource("signing-key.md", signingKey, "An OpenPGP signing key on a host."),
  resource("sysctl.md", sysctl, "Settings of a host's kernel."),
  {
    file: "stack-file.md",
    title: "The stack file",
    about:
      "The values below `config` in `Pulumi.STACK.yaml`. Each key has the prefix `airgapped-maas:`. Editors use [stack.schema.json](../../stack.schema.json) if the first line of the file is `# yaml-language-server: $schema=./stack.schema.json`. Set **secret** values with `pulumi config set --secret --path`. A secret in clear text is refused.",
    sections: sectionsOfParts(siteSchema, stackSections),
  },
];

/** Every file of docs/reference, by its name. */
export function referenceFiles(): Readonly<Record<string, string>> {
  const list = pages.map(({ file, title }) => `- [${title}](${file})`);
  const index = `<!-- Generated by \`make docs\` from the schemas of the program. -->\n\n# Reference\n\nEvery argument, with its type, default and meaning. The pages are generated from the schemas that check the arguments.\n\n${list.join("\n")}\n`;
  return { "README.md": index, ...Object.fromEntries(pages.map((page) => [page.file, pageText(page)])) };
}
