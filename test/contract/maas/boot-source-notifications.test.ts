import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { BootSourceFixture, noble, type Version } from "./boot-source-fixture.ts";
import { deadPort } from "./stream-server.ts";

const versions: Version[] = ["3.5", "3.6", "3.7", "3.8"];

let fixture: BootSourceFixture;
afterEach(() => fixture.stop());

describe.each(versions)("MAAS %s", (version) => {
  beforeEach(async () => {
    fixture = await BootSourceFixture.start(version);
  });

  test("without any source has no new notification after an update", async () => {
    const { region } = fixture;
    const before = region.refreshes;
    const [{ id: only }] = (await region.get("boot-sources/")).json;
    await region.delete(`boot-sources/${only}/`);
    await region.refreshEnds(before + 1);
    for (const { id } of (await region.get("notifications/")).json) {
      await region.delete(`notifications/${id}/`);
    }
    await fixture.up();
    expect(await fixture.notifications()).toEqual([]);
    expect(await fixture.sources()).toEqual([`${fixture.url} noble`]);
  });

  test("keeps a notification that it had before the update, even if its cause is gone", async () => {
    const { region } = fixture;
    const [{ id }] = (await region.get("boot-sources/")).json;
    const [{ id: selection }] = (await region.get(`boot-sources/${id}/selections/`)).json;
    if (version === "3.8") await region.delete(`boot-sources/${id}/selections/${selection}/`);
    else await region.delete(`boot-sources/${id}/`);
    await region.addSource(`http://127.0.0.1:${await deadPort()}/`, Buffer.from("x"));
    await until("MAAS to notify of it", 10_000, async () =>
      (await fixture.notifications()).includes("commissioning_series_unselected"),
    );
    await fixture.up();
    expect(await fixture.notifications()).toContain("commissioning_series_unselected");
  });

  test("with a commissioning release that no source selects: the update warns, and MAAS notifies", async () => {
    const centos = { ...noble, os: "centos", release: "centos9" };
    const images = { url: fixture.mirror.url, keyring: fixture.keyring, selections: [centos] };
    await fixture.up(fixture.declared({ sources: { images }, images: {} }));
    expect(fixture.said.join("\n")).toMatch(
      /warning: MAAS commissions machines with ubuntu\/(noble|jammy), which no source selects/,
    );
    await until("MAAS to notify of it", 10_000, async () =>
      (await fixture.notifications()).includes("commissioning_series_unselected"),
    );
  });
});
