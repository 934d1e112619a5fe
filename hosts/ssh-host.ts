import type { HostConnections } from "./connection-pool.ts";
import { FactBatches } from "./facts.ts";
import type {
  FetchOptions,
  FetchResult,
  FileAttributes,
  Host,
  Job,
  JobResult,
  Probe,
  RunOptions,
  RunResult,
  UploadSource,
} from "./host.ts";
import { runJob } from "./jobs.ts";
import { runScript } from "./script-run.ts";
import { TunnelledHttp } from "./tunnelled-http.ts";
import { openSource, replaceFileScript } from "./upload.ts";

/** A host over SSH. See Host. */
export class SshHost implements Host {
  readonly name: string;
  readonly #connections: HostConnections;
  readonly #facts: FactBatches;
  readonly #http: TunnelledHttp;

  constructor(name: string, connections: HostConnections) {
    this.name = name;
    this.#connections = connections;
    this.#facts = new FactBatches(
      name,
      () => connections.connection(),
      (script) => this.run(script, { step: "reading its state", allowFailure: true }),
    );
    this.#http = new TunnelledHttp(name, (host, port) => connections.forward(host, port));
  }

  run(script: string, options?: RunOptions): Promise<RunResult> {
    return runScript(this.name, this.#connections, script, options);
  }

  facts<T>(probe: Probe<T>): Promise<T> {
    return this.#facts.ask(probe);
  }

  async upload(source: UploadSource, path: string, attributes: FileAttributes): Promise<void> {
    if (!path.startsWith("/")) throw new TypeError(`${path} is not an absolute path`);
    await this.run(replaceFileScript(path, attributes), {
      input: openSource(source),
      step: `writing ${path}`,
    });
  }

  fetch(url: string, options?: FetchOptions): Promise<FetchResult> {
    return this.#http.request(url, options);
  }

  job(job: Job): Promise<JobResult> {
    return runJob(this, job);
  }
}
