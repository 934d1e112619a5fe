import { type Answer, badRequest, deleted, json, notFound } from "../answers.ts";
import { checkbox, text, texts } from "../fields.ts";
import { type Cleaned, dataForm, type Field, type Form, Wrong } from "../forms.ts";
import { archiveArches, type PackageRepository, packageRepositories } from "../package-repositories.ts";
import { pythonRepr } from "../python.ts";
import { adminMethod, type Call, type Resource } from "../resource.ts";
import { djangoUrl } from "../url.ts";

/*
 * maasserver/api/packagerepositories.py, maasserver/forms/packagerepository.py and the URLOrPPA field and validator
 * of maasserver/fields.py.
 */

const knownArches = Object.values(archiveArches).flat().sort();
const pockets = ["updates", "security", "backports"];
const components = ["restricted", "universe", "multiverse"];

const fields = {
  name: text({ maxLength: 41 }),
  url: repositoryUrl(),
  distributions: separated(),
  disabled_pockets: disabled("pocket", pockets),
  disabled_components: disabled("component", components),
  disable_sources: checkbox(),
  components: separated(),
  arches: arches(),
  key: text({ required: false }),
  enabled: checkbox(true),
};
type Values = Cleaned<typeof fields>;

export const packageRepositoryResources: readonly Resource[] = [
  {
    path: "package-repositories/",
    access: "users",
    GET: ({ maas }) => json(packageRepositories(maas).map(shown)),
    POST: adminMethod(create),
  },
  {
    path: "package-repositories/{id}/",
    access: "users",
    GET: (call) => json(shown(repositoryOf(call))),
    PUT: adminMethod(update),
    DELETE: adminMethod(remove),
  },
];

function create({ maas, data }: Call): Answer {
  const repositories = packageRepositories(maas);
  const values = checked(dataForm(fields, data), undefined, repositories);
  const repository = { id: maas.store.nextId("packageRepositories"), ...values, default: false };
  repositories.push(repository);
  return json(shown(repository));
}

function update(call: Call): Answer {
  const repository = repositoryOf(call);
  const { id: _, default: __, ...stored } = repository;
  const form = dataForm(fields, call.data, stored);
  Object.assign(repository, checked(form, repository, packageRepositories(call.maas)));
  return json(shown(repository));
}

function remove(call: Call): Answer {
  const repository = repositoryOf(call);
  if (repository.default) throw badRequest("Cannot delete default Ubuntu archives.");
  const repositories = packageRepositories(call.maas);
  repositories.splice(repositories.indexOf(repository), 1);
  return deleted;
}

/** The repository whose id or name the path has. A name with a slash never matches the route. */
function repositoryOf({ maas, params }: Call): PackageRepository {
  const { id: wanted = "" } = params;
  const repositories = packageRepositories(maas);
  const found =
    repositories.find(({ id }) => String(id) === wanted) ?? repositories.find(({ name }) => name === wanted);
  if (found === undefined) throw notFound("PackageRepository");
  return found;
}

/** Checks that concern several fields of a new or existing repository. Throws the 400. */
function checked(
  form: Form<typeof fields>,
  before: PackageRepository | undefined,
  all: readonly PackageRepository[],
): Values {
  const { cleaned } = form;
  const isDefault = before?.default === true;
  if (isDefault && (cleaned.components ?? []).length > 0) {
    form.wrong(
      "components",
      "This is a default Ubuntu repository. Please update 'disabled_components' instead.",
    );
  }
  if (!isDefault && (cleaned.disabled_components ?? []).length > 0) {
    form.wrong("disabled_components", "This is a custom repository. Please update 'components' instead.");
  }
  if (isDefault && cleaned.enabled === false) {
    form.wrong("__all__", "Default repositories may not be disabled.");
  }
  if (all.some((other) => other !== before && other.name === cleaned.name)) {
    form.wrong("name", "Package repository with this Name already exists.");
  }
  for (const name of ["distributions", "components"] as const) {
    const blank = cleaned[name]?.indexOf("") ?? -1;
    if (blank >= 0) {
      form.wrong(name, `Item ${blank + 1} in the array did not validate: This field cannot be blank.`);
    }
  }
  const values = form.valid();
  if (values.arches.length > 0) return values;
  return {
    ...values,
    arches: [...archiveArches[values.name === "ports_archive" ? "ports_archive" : "main_archive"]],
  };
}

/** A repository's URL, or Launchpad's short form, `ppa:user/name`. */
function repositoryUrl(): Field<string> {
  const address = text();
  return (input) => {
    const given = address(input);
    if (/^ppa:[a-z0-9][a-z0-9.+-]*\/[a-z0-9][a-z0-9.+_-]*$/i.test(given)) return given;
    try {
      return djangoUrl(given);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      throw new Wrong(
        ...error.messages.map((message) =>
          message === "Enter a valid URL." ? "Enter a valid repository URL or PPA location." : message,
        ),
      );
    }
  };
}

/** The values of repeated keys, each split at commas. */
function separated(): Field<string[]> {
  const given = texts();
  return (input) => given(input).flatMap((value) => value.split(",").map((part) => part.trim()));
}

/** Disabled parts of Ubuntu's archive. Several values mean that no part is disabled. */
function disabled(what: string, known: readonly string[]): Field<string[]> {
  const given = separated();
  return (input) => {
    const values = given(input);
    if (values.length === 1 && ["", "''", "None", "[]"].includes(values[0] ?? "")) return [];
    const unknown = values.find((value) => !known.includes(value));
    if (unknown === undefined) return values;
    throw new Wrong(
      `'${unknown}' is not a valid Ubuntu archive ${what}. You can only disable ${pythonRepr(known)}.`,
    );
  };
}

function arches(): Field<string[]> {
  const given = separated();
  return (input) => {
    const values = given(input);
    const unknown = values.find((value) => !knownArches.includes(value));
    if (unknown === undefined) return values;
    throw new Wrong(
      `'${unknown}' is not a valid architecture. Known architectures: ${knownArches.join(", ")}`,
    );
  };
}

function shown({ default: _, ...repository }: PackageRepository) {
  return { ...repository, resource_uri: `/MAAS/api/2.0/package-repositories/${repository.id}/` };
}
