import { type Answer, bug, deleted, json, notFound } from "../answers.ts";
import { checkbox, file, integer, text, url } from "../fields.ts";
import { type Cleaned, Form } from "../forms.ts";
import { type BootSource, bootSources } from "../images/boot-sources.ts";
import { removeBootSource } from "../images/removal.ts";
import type { Maas } from "../maas.ts";
import { type Call, idIn, type Resource } from "../resource.ts";
import type { Submission } from "../submission.ts";

/*
 * maasserver/api/boot_sources.py, BootSourceForm in maasserver/forms/__init__.py and maasserver/models/bootsource.py.
 */

const fields = {
  url: url(),
  keyring_filename: text({ required: false }),
  keyring_data: file({ required: false }),
  // Since 3.8.
  name: text({ required: false }),
  priority: integer({ required: false, min: 0 }),
  enabled: checkbox(true),
  skip_keyring_verification: checkbox(),
};

export const bootSourceResources: readonly Resource[] = [
  {
    path: "boot-sources/",
    access: "boot",
    GET: ({ maas }) => json(bootSources(maas).map((source) => shown(maas, source))),
    POST: create,
  },
  {
    path: "boot-sources/{id}/",
    access: "boot",
    GET: (call) => json(shown(call.maas, sourceOf(call))),
    PUT: update,
    DELETE: (call) => {
      removeBootSource(call.maas, sourceOf(call));
      return deleted;
    },
  },
];

/** The boot source that a path names. */
export function sourceOf(call: Call, name = "id"): BootSource {
  const id = idIn(call, name);
  const source = bootSources(call.maas).find((one) => one.id === id);
  if (source === undefined) throw notFound("BootSource");
  return source;
}

function create({ maas, data }: Call): Answer {
  const values = cleaned(maas, data, undefined);
  const now = maas.now();
  const source: BootSource = {
    id: maas.store.nextId("bootSources"),
    ...values,
    created: now,
    updated: now,
  };
  bootSources(maas).push(source);
  refreshAfterSaving(maas, source);
  return json(shown(maas, source), 201);
}

function update(call: Call): Answer {
  const { maas, data } = call;
  const source = sourceOf(call);
  const { url: before } = source;
  Object.assign(source, cleaned(maas, data, source), { updated: maas.now() });
  refreshAfterSaving(maas, source);
  if (maas.version.namedSources && source.url !== before) maas.images.startImport();
  return json(shown(maas, source));
}

/**
 * Up to 3.7, saving the first (default) source starts no fetch, so that its setup does not fetch it twice.
 */
function refreshAfterSaving(maas: Maas, { id }: BootSource): void {
  if (id !== 1 || maas.version.namedSources) maas.images.refreshSources();
}

type Values = Omit<BootSource, "id" | "created" | "updated">;

/** The form's values of a new or existing boot source. Throws the 400 with the errors. */
function cleaned(maas: Maas, data: Submission | undefined, before: BootSource | undefined): Values {
  const form = new Form(fields, data, before && storedFields(before));
  const { cleaned: values, errors } = form;
  const uploaded = data?.files.get("keyring_data");
  if (before?.keyringData && uploaded === undefined) {
    // The form reads the uploaded file. Without an upload it gets the stored value, which has no `read`.
    throw bug("'memoryview' object has no attribute 'read'");
  }
  const { namedSources } = maas.version;
  if (values.url !== undefined && namedSources) values.url = values.url.replace(/\/+$/, "");
  const filename = values.keyring_filename ?? "";
  const keyring = uploaded?.content.toString("base64") ?? "";
  const skip = form.has("skip_keyring_verification")
    ? values.skip_keyring_verification === true
    : (before?.skipKeyringVerification ?? values.url?.endsWith(".json") === true);
  if (filename === "" && keyring === "" && !(namedSources && skip)) {
    form.wrong("__all__", "One of keyring_data or keyring_filename must be specified.");
  }
  if (filename !== "" && keyring !== "" && errors.keyring_data === undefined) {
    form.wrong("__all__", "Only one of keyring_filename or keyring_data can be specified.");
  }
  const others = bootSources(maas).filter((source) => source !== before);
  const taken = (name: string, label: string, same: (source: BootSource) => boolean) => {
    if (errors[name] === undefined && others.some(same)) {
      form.wrong(name, `Boot source with this ${label} already exists.`);
    }
  };
  taken("url", "Url", (source) => source.url === values.url);
  const name = values.name || before?.name || values.url || "";
  const highest = Math.max(0, ...bootSources(maas).map(({ priority }) => priority));
  const priority = values.priority ?? before?.priority ?? highest + 1;
  if (namedSources) {
    taken("name", "Name", (source) => source.name === name);
    taken("priority", "Priority", (source) => source.priority === priority);
  }
  const valid = form.valid();
  return {
    url: valid.url,
    keyringFilename: filename,
    keyringData: keyring,
    name,
    priority,
    enabled: valid.enabled,
    skipKeyringVerification: skip,
  };
}

function storedFields(source: BootSource): Cleaned<typeof fields> {
  return {
    url: source.url,
    keyring_filename: source.keyringFilename,
    keyring_data: undefined,
    name: source.name,
    priority: source.priority,
    enabled: source.enabled,
    skip_keyring_verification: source.skipKeyringVerification,
  };
}

function shown(maas: Maas, source: BootSource) {
  return {
    created: maas.timestamp(source.created),
    updated: maas.timestamp(source.updated),
    url: source.url,
    keyring_filename: source.keyringFilename,
    id: source.id,
    keyring_data: source.keyringData,
    ...(maas.version.namedSources
      ? {
          name: source.name,
          priority: source.priority,
          enabled: source.enabled,
          skip_keyring_verification: source.skipKeyringVerification,
        }
      : {}),
    resource_uri: `/MAAS/api/2.0/boot-sources/${source.id}/`,
  };
}
