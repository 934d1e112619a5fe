import type { Lab } from "./lab.ts";
import { until } from "./until.ts";

/**
 * The faults of the server: `slow` sends 20 kB/s. `stall` accepts the request, sends a part of the response and
 * then nothing more. `reset` sends a part of the response and then RST. `refuse` answers a request with RST.
 */
export const faultKinds = ["slow", "stall", "reset", "refuse"] as const;
export type FaultKind = (typeof faultKinds)[number];

const unit = "lab-fault-server";

/** Starts the fault server in front of nginx. It applies the fault to the paths that match the expression. */
export async function faultsOn(lab: Lab, kind: FaultKind, path: string): Promise<void> {
  const rules = JSON.stringify([{ path, kind, bytesPerSecond: 20_000, afterBytes: 1000 }]);
  await script(
    lab,
    `systemctl stop ${unit} 2>/dev/null
     echo 'listen 127.0.0.1:8080;' > /etc/nginx/lab-listen.conf
     cat > /run/${unit}.json
     systemctl reset-failed nginx; systemctl restart nginx &&
     systemd-run --quiet --collect --unit=${unit} python3 /usr/local/lib/lab/fault-server.py /run/${unit}.json`,
    rules,
  );
  await listens(lab);
}

/** Stops the fault server. Nginx serves all requests directly again. */
export async function faultsOff(lab: Lab): Promise<void> {
  await script(
    lab,
    `if grep -q 8080 /etc/nginx/lab-listen.conf; then
       systemctl stop ${unit} 2>/dev/null
       echo 'listen 80;' > /etc/nginx/lab-listen.conf
       systemctl reset-failed nginx; systemctl restart nginx
     fi`,
    "",
  );
  await listens(lab);
}

async function script(lab: Lab, text: string, input: string): Promise<void> {
  const { code, stderr } = await lab.sh("upstream", text, { input });
  if (code !== 0) throw new Error(`changing the server on upstream: ${stderr}`);
}

async function listens(lab: Lab): Promise<void> {
  await until("a web server on upstream", 10_000, async () =>
    (await lab.run("upstream", ["ss", "-Hltn", "sport = :80"])).stdout.includes("LISTEN"),
  );
}
