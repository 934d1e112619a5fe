import { badRequest, deleted, json, modelInvalid, notFound } from "../answers.ts";
import { text, texts } from "../fields.ts";
import { type Cleaned, dataForm } from "../forms.ts";
import { type BootSource, type Selection, selections } from "../images/boot-sources.ts";
import { removeSelection } from "../images/removal.ts";
import { cachedImages } from "../images/source-cache.ts";
import { pythonRepr } from "../python.ts";
import { type Call, idIn, type Resource } from "../resource.ts";
import { sourceOf } from "./boot-sources.ts";

/*
 * maasserver/api/boot_source_selections.py and BootSourceSelectionForm in maasserver/forms/__init__.py.
 */

const fields = {
  os: text({ required: false }),
  release: text({ required: false }),
  arches: texts(),
  subarches: texts(),
  labels: texts(),
};

export const selectionResources: readonly Resource[] = [
  {
    path: "boot-sources/{source}/selections/",
    access: "boot",
    GET: (call) => json(selectionsOf(call, sourceOf(call, "source")).map(shown)),
    POST: (call) => {
      const source = sourceOf(call, "source");
      const values = cleaned(call, source, undefined);
      const id = call.maas.store.nextId("selections");
      const selection: Selection = { id, bootSourceId: source.id, ...values };
      selections(call.maas).push(selection);
      return json(shown(selection)); // 200, unlike a boot source
    },
  },
  {
    path: "boot-sources/{source}/selections/{id}/",
    access: "boot",
    GET: (call) => json(shown(selectionOf(call))),
    PUT: (call) => {
      const selection = selectionOf(call);
      Object.assign(selection, cleaned(call, sourceOf(call, "source"), selection));
      return json(shown(selection));
    },
    DELETE: (call) => {
      const selection = selectionOf(call);
      requireNotCommissioning(call, selection);
      removeSelection(call.maas, selection);
      return deleted;
    },
  },
];

function selectionsOf({ maas }: Call, source: BootSource): Selection[] {
  return selections(maas).filter(({ bootSourceId }) => bootSourceId === source.id);
}

function selectionOf(call: Call): Selection {
  const source = sourceOf(call, "source");
  const id = idIn(call);
  const selection = selectionsOf(call, source).find((one) => one.id === id);
  if (selection === undefined) throw notFound("BootSourceSelection");
  return selection;
}

/** Checks the request against the source's images at the last fetch. */
function cleaned(call: Call, source: BootSource, before: Selection | undefined): Cleaned<typeof fields> {
  const stored = before && {
    os: before.os,
    release: before.release,
    arches: before.arches,
    subarches: before.subarches,
    labels: before.labels,
  };
  const form = dataForm(fields, call.data, stored);
  const values = form.valid();
  const images = cachedImages(call.maas).filter(
    (image) =>
      image.bootSourceId === source.id &&
      image.release === values.release &&
      (values.os === "" || image.os === values.os),
  );
  if (images.length === 0) {
    form.wrong("os", `OS ${values.os} with release ${values.release} has no available images for download`);
    return form.valid();
  }
  const check = (name: "arches" | "subarches" | "labels", offered: readonly string[]) => {
    const asked = values[name];
    if (asked.includes("*") || asked.every((value) => offered.includes(value))) return;
    form.wrong(name, `No available images to download for ${pythonRepr(asked)}`);
  };
  check(
    "arches",
    images.map(({ arch }) => arch),
  );
  check(
    "subarches",
    images.map(({ subarch }) => subarch),
  );
  check(
    "labels",
    images.map(({ label }) => label),
  );
  const valid = form.valid();
  const same = (other: Selection) => other.os === valid.os && other.release === valid.release;
  if (selectionsOf(call, source).some((other) => other !== before && same(other))) {
    throw modelInvalid({
      __all__: ["Boot source selection with this Boot source, Os and Release already exists."],
    });
  }
  return valid;
}

function requireNotCommissioning({ maas }: Call, { os, release }: Selection): void {
  const { commissioning_osystem = "ubuntu", commissioning_distro_series = maas.version.commissioningSeries } =
    maas.store.state.config;
  const refusal = maas.version.commissioningSelectionStays;
  if (refusal !== undefined && os === commissioning_osystem && release === commissioning_distro_series) {
    throw badRequest(refusal(os, release));
  }
}

function shown({ id, bootSourceId, os, release, arches, subarches, labels }: Selection) {
  return {
    os,
    release,
    arches,
    subarches,
    labels,
    id,
    boot_source_id: bootSourceId,
    resource_uri: `/MAAS/api/2.0/boot-sources/${bootSourceId}/selections/${id}/`,
  };
}
