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
function plan(found: Partial<RegionState>, wanted: Partial<DesiredSources> = {}): string[] {
  return bootSourceSteps({ ...nothing, ...found }, { ...wish, ...wanted }).map(said);
}

function said(step: BootSourceStep): string {
  if (step.do === "make source") return `make ${step.source.url}`;
  if (step.do === "change source") return `change ${step.id} to ${step.source.url}`;
  if (step.do === "refresh") return `refresh by ${step.source.url}`;
  if (step.do === "delete source") return `delete ${step.id}`;
  if (step.do === "select") return `select ${step.selection.release} of ${step.url}`;
  if (step.do === "reselect" || step.do === "deselect")
    return `${step.do} ${step.selection.release} (${step.source}/${step.id})`;
  return step.do;
}

describe("a MAAS that is as it was installed", () => {
  test("loses a default at which MAAS stops reading before anything can be selected", () => {
    expect(plan({ sources: [factory], blocking: new Set([1]), lacksImages: true })).toEqual([
      "make http://mirror.dc1/images/",
      "delete 1",
      "refresh by http://mirror.dc1/images/",
      "select noble of http://mirror.dc1/images/",
      "import",
    ]);
  });

  test("gets the mirror first, then loses the default, works it or not, then imports", () => {
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
  ])(
    "keeps images that since 3.8 go with their source until the mirror's are there, where it %s",
    (_, ids) => {
      const blocking = new Set(ids);
      expect(plan({ sources: [factory], version: version("3.8"), blocking })).toEqual([
        "make http://mirror.dc1/images/",
        "select noble of http://mirror.dc1/images/",
        "import",
        "delete 1",
      ]);
    },
  );

  test("keeps the default where the mirror is not to be the only one", () => {
    expect(plan({ sources: [factory] }, { exclusive: false })).not.toContain("delete 1");
  });

  test("is taken over where the mirror stands in for images.maas.io itself, with an import for the index", () => {
    const mirror = declared({ url: factory.url, selections: [noble, { ...noble, release: "jammy" }] });
    expect(plan({ sources: [factory] }, { sources: [mirror] })).toEqual([
      `change 1 to ${factory.url}`,
      "refresh by import",
      `select jammy of ${factory.url}`,
      "import",
    ]);
  });

  test("is not taken over without an import, since nothing else lets MAAS read the first source's index", () => {
    const mirror = declared({ url: factory.url, selections: [noble, { ...noble, release: "jammy" }] });
    expect(() => plan({ sources: [factory] }, { sources: [mirror], import: false })).toThrow(
      /MAAS's first boot source.*\n.*import: true/,
    );
  });
});

describe("a MAAS that somebody set up halfway", () => {
  test("two sources of which one is dead, and a selection with empty labels", () => {
    const halfway = source({ id: 3, selections: [selected({ ...noble, labels: [], subarches: [] }, 9)] });
    expect(plan({ sources: [dead, halfway], blocking: new Set([dead.id]), lacksImages: true })).toEqual([
      "delete 8",
      "reselect noble (3/9)",
      "import",
    ]);
  });

  test("a selection that another mirror does not offer any more goes, but for the commissioning release before 3.8", () => {
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

  test("the same mirror with and without a slash: one of them is kept", () => {
    const twice = [
      source({ id: 2, url: "http://mirror.dc1/images" }),
      source({ id: 3, selections: [selected(noble, 7)] }),
    ];
    expect(plan({ sources: twice })).toEqual(["delete 2", "import"]);
  });
});

describe("a source that is there already", () => {
  test("nothing is done where nothing differs", () => {
    expect(plan({ sources: [serving] })).toEqual([]);
  });

  test.each(["http://mirror.dc1/images", "http://mirror.dc1/images/"])("is kept unchanged: %s", (url) => {
    expect(plan({ sources: [{ ...serving, url }] })).toEqual([]);
  });

  test("is sent again with the keyring where that is another one, or a file on the region", () => {
    expect(plan({ sources: [{ ...serving, keyring: bytes("other") }] })).toEqual([
      "change 2 to http://mirror.dc1/images/",
      "import",
    ]);
    const file = { ...serving, keyring: Buffer.alloc(0), keyringFilename: "/k.gpg" };
    expect(plan({ sources: [file] })).toEqual(["change 2 to http://mirror.dc1/images/", "import"]);
  });

  test("is switched on, and its signature checked, since 3.8", () => {
    const found = { version: version("3.8") };
    const changed = ["change 2 to http://mirror.dc1/images/", "import"];
    expect(plan({ ...found, sources: [{ ...serving, enabled: false }] })).toEqual(changed);
    expect(plan({ ...found, sources: [{ ...serving, skipKeyringVerification: true }] })).toEqual(changed);
    const url = "http://mirror.dc1/images/streams/v1/index.json";
    const unsigned = { ...serving, url, skipKeyringVerification: true };
    expect(plan({ ...found, sources: [unsigned] }, { sources: [declared({ url })] })).toEqual([]);
  });

  test("is saved again before another release is selected: MAAS does not know yet what the mirror offers by now", () => {
    const sources = [declared({ selections: [noble, { ...noble, release: "jammy" }] })];
    expect(plan({ sources: [serving] }, { sources })).toEqual([
      "refresh by http://mirror.dc1/images/",
      "select jammy of http://mirror.dc1/images/",
      "import",
    ]);
  });

  test("is imported from where images are missing or old, and only then", () => {
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

  test("stay beside each other, and everything else goes", () => {
    const sources = [declared(), rocky];
    expect(plan({ sources: [factory, serving] }, { sources })).toEqual([
      "make http://mirror.dc1/custom/rocky9/",
      "select rocky9 of http://mirror.dc1/custom/rocky9/",
      "delete 1",
      "import",
    ]);
  });

  test("one that is no longer declared goes", () => {
    const there = source({ id: 4, url: rocky.url, keyring: rocky.keyring });
    expect(plan({ sources: [serving, there] })).toEqual(["delete 4", "import"]);
  });

  test("of two with one image, the first is the one that MAAS takes it from", () => {
    const two = { sources: [rocky, declared()] };
    const made = (number: string) =>
      plan({ sources: [], version: version(number) }, two).filter((step) => step.startsWith("make"));
    expect(made("3.7")).toEqual(["make http://mirror.dc1/custom/rocky9/", "make http://mirror.dc1/images/"]);
    expect(made("3.8")).toEqual(["make http://mirror.dc1/images/", "make http://mirror.dc1/custom/rocky9/"]);
  });

  test("a change of the first source comes before what makes MAAS read all indices", () => {
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

/** Every initial state of MAAS that affects the order. */
const situations: RegionState[] = ["3.5", "3.6", "3.7", "3.8"].flatMap((number) =>
  [[], [factory], [{ ...serving, id: 1 }], [serving], [{ ...serving, url: without(serving.url) }]].flatMap(
    (ours) =>
      [[], [dead], [source({ id: 9, url: "http://elsewhere.dc1/" })]].flatMap((others) =>
        [[], [selected({ ...noble, labels: [] }, 5)], [selected(noble, 5)]].flatMap((selections) =>
          ["keyring", "other"].map((keyring) => ({
            ...nothing,
            version: version(number),
            sources: [...ours, ...others].map((each) =>
              samePlace(each.url, serving.url) ? { ...each, selections, keyring: bytes(keyring) } : each,
            ),
            blocking: new Set(others.includes(dead) ? [dead.id] : []),
            lacksImages: true,
          })),
        ),
      ),
  ),
);

describe(`of ${situations.length} situations`, () => {
  test("none is ever without a source once it has one", () => {
    for (const situation of situations) {
      for (const exclusive of [true, false]) {
        for (const { sources, step } of walk(situation, { ...wish, exclusive })) {
          expect({ step, sources: sources.length }).not.toEqual({ step, sources: 0 });
        }
      }
    }
  });

  test("each ends as declared, also if it is planned again after any step", () => {
    for (const situation of situations) {
      const last = walk(situation, wish).at(-1)?.sources ?? situation.sources;
      expect(outcome(last)).toEqual([["http://mirror.dc1/images", "keyring", 1, true]]);
      for (const { sources } of walk(situation, wish)) {
        const again = walk({ ...situation, sources }, wish).at(-1)?.sources ?? sources;
        expect(outcome(again)).toEqual(outcome(last));
      }
    }
  });

  test("none has a moment without the commissioning release selected, but where MAAS reads nothing before a source goes", () => {
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

  test("each leaves nothing to do when it is done", () => {
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
function walk(situation: RegionState, wanted: DesiredSources): { step: string; sources: FoundSource[] }[] {
  let sources = [...situation.sources];
  let next = 100;
  const change = (id: number, changed: (before: FoundSource) => FoundSource) => {
    sources = sources.map((each) => (each.id === id ? changed(each) : each));
  };
  return bootSourceSteps(situation, wanted).map((step) => {
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
    return { step: said(step), sources };
  });
}
