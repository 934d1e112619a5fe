import { type Answer, answer, badRequest, modelInvalid } from "../answers.ts";
import { url } from "../fields.ts";
import { type Field, Form } from "../forms.ts";
import type { Maas } from "../maas.ts";
import { type ArchiveName, archiveArches, archiveUrl, setArchiveUrl } from "../package-repositories.ts";
import { pythonJson } from "../python.ts";
import { adminMethod, type Call, type Resource } from "../resource.ts";
import { configured, settingName, settingsOf } from "../settings.ts";

/*
 * maasserver/api/maas.py, and UbuntuForm of maasserver/forms/__init__.py for the archives.
 */

export const configResources: readonly Resource[] = [
  {
    path: "maas/",
    access: "users",
    operations: { GET: { get_config: getConfig }, POST: { set_config: adminMethod(setConfig) } },
  },
];

function getConfig({ maas, query }: Call): Answer {
  const given = query.get("name");
  if (given === null) throw badRequest("No provided name!");
  const name = settingName(given);
  if (isArchive(name)) return bare(archiveUrl(maas, name));
  if (!settingsOf(maas).has(name)) throw unknown(maas, name);
  return bare(configured(maas, name));
}

function setConfig({ maas, data }: Call): Answer {
  const given = data?.values.get("name")?.one;
  if (given === undefined || given === null) throw badRequest("No provided name!");
  const value = data?.values.get("value");
  if (value?.one === undefined || value.one === null) throw badRequest("No provided value!");
  const name = settingName(String(given));
  const valueBy = (field: Field<unknown>) =>
    new Form({ [name]: field }, { values: new Map([[name, value]]), files: new Map() }).valid()[name];
  if (isArchive(name)) {
    setArchiveUrl(maas, name, String(valueBy(url())));
    return ok;
  }
  const setting = settingsOf(maas).get(name);
  if (setting === undefined) throw unknown(maas, name);
  maas.store.state.config[name] = valueBy(setting.field(maas));
  if (["http_proxy", "enable_http_proxy"].includes(name) && maas.version.proxyRefreshesSources) {
    maas.images.refreshSources();
  }
  return ok;
}

const ok = answer(200, "text/plain", "OK");

function isArchive(name: string): name is ArchiveName {
  return name in archiveArches;
}

/** A JSON value without an object around it. */
function bare(value: unknown): Answer {
  return answer(200, "application/json", pythonJson(value));
}

function unknown(maas: Maas, name: string) {
  const known = [...settingsOf(maas).keys()].join(", ");
  return modelInvalid({ [name]: [`${name} is not a valid config setting (valid settings are: ${known}).`] });
}
