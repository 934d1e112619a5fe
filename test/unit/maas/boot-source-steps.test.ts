import { describe, expect, test } from "@jest/globals";
import { type FoundSource, samePlace, sameSelection } from "../../../maas/boot-sources/state.ts";
import {
  type BootSourceStep,
  bootSourceSteps,
  type DesiredSources,
  type RegionState,
} from "../../../maas/boot-sources/steps.ts";
import { bytes, dead, declared, noble, selected, source, version, without } from "./boot-source-fixtures.ts";

const nothing: RegionState = {
  version: version("3.6"),
  sources: [],
  blocking: new Set(),
  commissioning: { os: "ubuntu", release: "noble" },
  lacksImages: false,
};
const wish: DesiredSources = { sources: [declared()], exclusive: true, import: true };
const factory = source({
  id: 1,
  url: "http://images.maas.io/ephemeral-v3/stable/",
  keyring: Buffer.alloc(0),
  keyringFilename: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
  selections: [selected(noble, 1)],
});
const serving = source({ id: 2, selections: [selected(noble, 7)] });

/** The steps as short texts. */
function plan(found: Partial<RegionState>, desired: Partial<DesiredSources> = {}): string[] {
  return bootSourceSteps({ ...nothing, ...found }, { ...wish, ...desired }).map(stepText);
}

function stepText(step: BootSourceStep): string {
  if (step.do === "make source") return `make ${step.source.url}`;
  if (step.do === "change source") return `change ${step.id} to ${step.source.url}`;
  if (step.do === "refresh") return `refresh by ${step.source.url}`;
  if (step.do === "delete source") return `delete ${step.id}`;
  if (step.do === "select") return `select ${step.selection.release} of ${step.url}`;
  if (step.do === "reselect" || step.do === "deselect")
    return `${step.do} ${step.selection.release} (${step.source}/${step.id})`;
  return step.do;
}

describe("the steps for a newly installed MAAS", () => {
  test("delete a default source at which MAAS stops reading, after the mirror's source is made and before images are selected", () => {
    expect(plan({ sources: [factory], blocking: new Set([1]), lacksImages: true })).toEqual([
      "make http://mirror.dc1/images/",
      "delete 1",
      "refresh by http://mirror.dc1/images/",
      "select noble of http://mirror.dc1/images/",
      "import",
    ]);
  });

  test("make the mirror's source first, then delete the default source, then import", () => {
    expect(plan({ sources: [factory] })).toEqual([
      "make http://mirror.dc1/images/",
      "select noble of http://mirror.dc1/images/",
      "delete 1",
      "import",
    ]);
  });

  test.each([
    ["works", [] as number[]],
    ["is dead", [1]],
  ])("since 3.8, delete the default source and so its images only after the import, when it %s", (_, ids) => {
    const blocking = new Set(ids);
    expect(plan({ sources: [factory], version: version("3.8"), blocking })).toEqual([
      "make http://mirror.dc1/images/",
      "select noble of http://mirror.dc1/images/",
      "import",
      "delete 1",
    ]);
  });

  test("keep the default source when the mirror is not declared as exclusive", () => {
    expect(plan({ sources: [factory] }, { exclusive: false })).not.toContain("delete 1");
  });

  test("change the default source when the mirror has its URL, with an import for the index", () => {
    const mirror = declared({ url: factory.url, selections: [noble, { ...noble, release: "jammy" }] });
    expect(plan({ sources: [factory] }, { sources: [mirror] })).toEqual([
      `change 1 to ${factory.url}`,
      "refresh by import",
      `select jammy of ${factory.url}`,
      "import",
    ]);
  });

  test("are refused with import: false when MAAS must read the index of its first source", () => {
    const mirror = declared({ url: factory.url, selections: [noble, { ...noble, release: "jammy" }] });
    expect(() => plan({ sources: [factory] }, { sources: [mirror], import: false })).toThrow(
      /MAAS's first boot source.*\n.*import: true/,
    );
  });
});

describe("the steps for a partly configured MAAS", () => {
  test("delete a dead source, and correct a selection with empty labels", () => {
    const halfway = source({ id: 3, selections: [selected({ ...noble, labels: [], subarches: [] }, 9)] });
    expect(plan({ sources: [dead, halfway], blocking: new Set([dead.id]), lacksImages: true })).toEqual([
      "delete 8",
      "reselect noble (3/9)",
      "import",
    ]);
  });

  test("deselect a release that is not declared, but before 3.8 refuse this for the commissioning release", () => {
    const focal = selected({ ...noble, release: "focal" }, 8);
    const sources = [source({ id: 3, selections: [selected(noble, 7), focal] })];
    expect(plan({ sources })).toEqual(["deselect focal (3/8)", "import"]);
    const commissioning = { os: "ubuntu", release: "focal" };
    expect(() => plan({ sources, commissioning })).toThrow(/MAAS commissions machines with it/);
    expect(plan({ sources, commissioning, version: version("3.8") })).toEqual([
      "deselect focal (3/8)",
      "import",
    ]);
  });

  test("keep one of two sources that differ only in the final slash of the URL", () => {
    const twice = [
      source({ id: 2, url: "http://mirror.dc1/images" }),
      source({ id: 3, selections: [selected(noble, 7)] }),
    ];
    expect(plan({ sources: twice })).toEqual(["delete 2", "import"]);
  });
});

describe("a declared source that already exists", () => {
  test("needs no step when nothing differs", () => {
    expect(plan({ sources: [serving] })).toEqual([]);
  });

  test.each(["http://mirror.dc1/images", "http://mirror.dc1/images/"])(
    "is kept unchanged with the URL %s",
    (url) => {
      expect(plan({ sources: [{ ...serving, url }] })).toEqual([]);
    },
  );

  test("is changed when its keyring differs or is a file on the region", () => {
    expect(plan({ sources: [{ ...serving, keyring: bytes("other") }] })).toEqual([
      "change 2 to http://mirror.dc1/images/",
      "import",
    ]);
    const file = { ...serving, keyring: Buffer.alloc(0), keyringFilename: "/k.gpg" };
    expect(plan({ sources: [file] })).toEqual(["change 2 to http://mirror.dc1/images/", "import"]);
  });

  test("is enabled, and its signature is checked unless its index is unsigned, since 3.8", () => {
    const found = { version: version("3.8") };
    const changed = ["change 2 to http://mirror.dc1/images/", "import"];
    expect(plan({ ...found, sources: [{ ...serving, enabled: false }] })).toEqual(changed);
    expect(plan({ ...found, sources: [{ ...serving, skipKeyringVerification: true }] })).toEqual(changed);
    const url = "http://mirror.dc1/images/streams/v1/index.json";
    const unsigned = { ...serving, url, skipKeyringVerification: true };
    expect(plan({ ...found, sources: [unsigned] }, { sources: [declared({ url })] })).toEqual([]);
  });

  test("is refreshed before another release is selected, because MAAS may have an old index of it", () => {
    const sources = [declared({ selections: [noble, { ...noble, release: "jammy" }] })];
    expect(plan({ sources: [serving] }, { sources })).toEqual([
      "refresh by http://mirror.dc1/images/",
      "select jammy of http://mirror.dc1/images/",
      "import",
    ]);
  });

  test("is imported from when MAAS lacks images, unless import is false", () => {
    expect(plan({ sources: [serving], lacksImages: true })).toEqual(["import"]);
    expect(plan({ sources: [serving], lacksImages: true }, { import: false })).toEqual([]);
  });
});

describe("several declared sources", () => {
  const rocky = declared({
    url: "http://mirror.dc1/custom/rocky9/",
    keyring: bytes("rocky"),
    selections: [{ ...noble, os: "rhel", release: "rocky9" }],
  });

  test("are all kept, and other sources are deleted", () => {
    const sources = [declared(), rocky];
    expect(plan({ sources: [factory, serving] }, { sources })).toEqual([
      "make http://mirror.dc1/custom/rocky9/",
      "select rocky9 of http://mirror.dc1/custom/rocky9/",
      "delete 1",
      "import",
    ]);
  });

  test("a source that is no longer declared is deleted", () => {
    const there = source({ id: 4, url: rocky.url, keyring: rocky.keyring });
    expect(plan({ sources: [serving, there] })).toEqual(["delete 4", "import"]);
  });

  test("are made in the order in which MAAS uses the first declared source for an image of both", () => {
    const two = { sources: [rocky, declared()] };
    const made = (number: string) =>
      plan({ sources: [], version: version(number) }, two).filter((step) => step.startsWith("make"));
    expect(made("3.7")).toEqual(["make http://mirror.dc1/custom/rocky9/", "make http://mirror.dc1/images/"]);
    expect(made("3.8")).toEqual(["make http://mirror.dc1/images/", "make http://mirror.dc1/custom/rocky9/"]);
  });

  test("the first source is changed before a step that makes MAAS read all indices", () => {
    const first = { ...serving, id: 1, keyring: bytes("other"), selections: [] };
    expect(plan({ sources: [first] }, { sources: [rocky, declared()] })).toEqual([
      "change 1 to http://mirror.dc1/images/",
      "make http://mirror.dc1/custom/rocky9/",
      "select rocky9 of http://mirror.dc1/custom/rocky9/",
      "select noble of http://mirror.dc1/images/",
      "import",
    ]);
  });
});

/** MAAS's default source, if it cannot be reached. */
const deadFactory = { ...factory };
const unread: ReadonlySet<FoundSource> = new Set([dead, deadFactory]);

/** Every initial state of MAAS that affects the order. */
const situations: RegionState[] = ["3.5", "3.6", "3.7", "3.8"].flatMap((number) =>
  [
    [],
    [factory],
    [deadFactory],
    [{ ...serving, id: 1 }],
    [serving],
    [{ ...serving, url: without(serving.url) }],
  ].flatMap((ours) =>
    [[], [dead], [source({ id: 9, url: "http://elsewhere.dc1/" })]].flatMap((others) =>
      [[], [selected({ ...noble, labels: [] }, 5)], [selected(noble, 5)]].flatMap((selections) =>
        ["keyring", "other"].map((keyring) => ({
          ...nothing,
          version: version(number),
          sources: [...ours, ...others].map((each) =>
            samePlace(each.url, serving.url) ? { ...each, selections, keyring: bytes(keyring) } : each,
          ),
          blocking: new Set([...ours, ...others].filter((each) => unread.has(each)).map(({ id }) => id)),
          lacksImages: true,
        })),
      ),
    ),
  ),
);

describe(`the steps for ${situations.length} initial states`, () => {
  test("never leave MAAS without a source once it has one", () => {
    for (const situation of situations) {
      for (const exclusive of [true, false]) {
        for (const { sources, step } of walk(situation, { ...wish, exclusive })) {
          expect({ step, sources: sources.length }).not.toEqual({ step, sources: 0 });
        }
      }
    }
  });

  test("end as declared, also when they are planned again after any step", () => {
    for (const situation of situations) {
      const last = walk(situation, wish).at(-1)?.sources ?? situation.sources;
      expect(outcome(last)).toEqual([["http://mirror.dc1/images", "keyring", 1, true]]);
      for (const { sources } of walk(situation, wish)) {
        const again = walk({ ...situation, sources }, wish).at(-1)?.sources ?? sources;
        expect(outcome(again)).toEqual(outcome(last));
      }
    }
  });

  test("keep the commissioning release selected after each step, when MAAS can read all sources", () => {
    const isSelected = (sources: readonly FoundSource[]) =>
      sources.some(({ selections }) => selections.some(({ release }) => release === noble.release));
    for (const situation of situations.filter(({ sources }) => isSelected(sources))) {
      for (const { sources, step } of walk({ ...situation, blocking: new Set() }, wish)) {
        expect({ step, situation, selected: isSelected(sources) }).toEqual({
          step,
          situation,
          selected: true,
        });
      }
    }
  });

  test("before 3.8, select no image while a source exists at which MAAS stops reading", () => {
    let selections = 0;
    for (const situation of situations.filter((one) => one.version.minor < 8 && one.blocking.size > 0)) {
      for (const { sources, step } of walk(situation, wish).filter((one) => one.step.startsWith("select "))) {
        const blocking = sources.filter(({ id }) => situation.blocking.has(id));
        expect({ step, situation, blocking }).toEqual({ step, situation, blocking: [] });
        selections++;
      }
    }
    expect(selections).toBeGreaterThan(0);
  });

  test("leave no more steps after they are done", () => {
    for (const situation of situations) {
      const sources = walk(situation, wish).at(-1)?.sources ?? situation.sources;
      expect(bootSourceSteps({ ...situation, sources, lacksImages: false }, wish)).toEqual([]);
    }
  });
});

function outcome(sources: readonly FoundSource[]): unknown[] {
  return sources.map(({ url, keyring, selections: [only, ...more] }) => [
    without(url),
    keyring.toString(),
    more.length + 1,
    only !== undefined && sameSelection(only, noble),
  ]);
}

/** The state of MAAS after each step. */
function walk(situation: RegionState, desired: DesiredSources): { step: string; sources: FoundSource[] }[] {
  let sources = [...situation.sources];
  let next = 100;
  const change = (id: number, changed: (before: FoundSource) => FoundSource) => {
    sources = sources.map((each) => (each.id === id ? changed(each) : each));
  };
  return bootSourceSteps(situation, desired).map((step) => {
    if (step.do === "make source")
      sources = [...sources, source({ ...step.source, id: next++, selections: [] })];
    if (step.do === "delete source") sources = sources.filter(({ id }) => id !== step.id);
    if (step.do === "change source")
      change(step.id, (before) => ({ ...before, keyring: step.source.keyring, keyringFilename: "" }));
    if (step.do === "select") {
      const at =
        sources.find(({ url }) => url === step.url) ?? sources.find(({ url }) => samePlace(url, step.url));
      change(at?.id ?? 0, (before) => ({
        ...before,
        selections: [...before.selections, selected(step.selection, next++)],
      }));
    }
    if (step.do === "reselect" || step.do === "deselect") {
      change(step.source, (before) => ({
        ...before,
        selections: before.selections.flatMap((each) => {
          if (each.id !== step.id) return [each];
          return step.do === "deselect" ? [] : [selected(step.selection, each.id)];
        }),
      }));
    }
    return { step: stepText(step), sources };
  });
}
