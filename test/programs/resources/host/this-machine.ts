import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { RunResult } from "../../../../hosts/host.ts";
import { type ClaimsReport, claimsReport } from "../../../../resources/host/ledger/claims-report.ts";
import type { DeclaredPath } from "../../../../resources/host/ledger/declared-path.ts";
import { pathClaims } from "../../../../resources/host/ledger/path-claims.ts";
import { type FoundPaths, pathProbe } from "../../../../resources/host/ledger/path-probe.ts";
import type { LedgerPlace } from "../../../../resources/host/ledger/place.ts";
import { runHere } from "../../../host-on-this-machine.ts";

/** A directory to change, and a ledger of its changes. */
export class Ground {
  readonly root = mkdtempSync(join(tmpdir(), "ground-"));
  readonly place: LedgerPlace = {
    directory: join(this.root, "ledger"),
    lock: join(this.root, "lock"),
  };
  /** The owners that files here can have without root. */
  readonly me = { owner: String(userInfo().uid), group: String(userInfo().gid) };

  at(name: string): string {
    return join(this.root, "files", name);
  }

  file(name: string, content: string, mode = "0644"): DeclaredPath {
    return { type: "file", path: this.at(name), content, mode, ...this.me };
  }

  directory(name: string, mode = "0755"): DeclaredPath {
    return { type: "directory", path: this.at(name), mode, ...this.me };
  }

  async apply(
    resource: string,
    declared: readonly DeclaredPath[],
    differs = (_: DeclaredPath) => true,
  ): Promise<ClaimsReport & RunResult> {
    const claims = pathClaims(resource, declared, differs, this.place);
    const result = await runHere(`${claims.prologue}\n${claims.body}`);
    return { ...claimsReport(claims, result), ...result };
  }

  async look(resource: string, declared: readonly DeclaredPath[]): Promise<FoundPaths> {
    const probe = pathProbe(resource, declared, this.place);
    const { code, stdout, stderr } = await runHere(probe.script);
    if (code !== 0) throw new Error(`The probe ended with ${code}: ${stderr}`);
    return probe.parse(stdout);
  }

  clear(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
