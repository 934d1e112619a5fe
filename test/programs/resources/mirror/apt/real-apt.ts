import { execFile } from "node:child_process";
import { createReadStream, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { promisify } from "node:util";

/* This machine's apt, as a client of a test's archive. It has a separate root, cache and sources. */

const run = promisify(execFile);

export interface FileServer {
  readonly url: string;
  close(): void;
}

/** Serves a directory as nginx serves a mirror: files by normalised paths, following links. */
export async function fileServer(directory: string): Promise<FileServer> {
  const server = createServer((request, response) => {
    const path = normalize(
      join(directory, decodeURIComponent(new URL(request.url ?? "", "http://x").pathname)),
    );
    const found = statSync(path, { throwIfNoEntry: false });
    if (!path.startsWith(directory) || !found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-length": found.size });
    if (request.method === "HEAD") return response.end();
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface AptClient {
  /** Fails on any warning or error of apt. Returns its output. */
  update(): Promise<string>;
  /** Downloads packages, and returns the names of the files. */
  download(...names: readonly string[]): Promise<string[]>;
}

/** An apt in a directory, with one source. */
export function aptClient(root: string, sources: string): AptClient {
  const files = join(root, "files");
  for (const part of [
    "etc/sources.list.d",
    "etc/apt.conf.d",
    "etc/preferences.d",
    "etc/trusted.gpg.d",
    "state/lists/partial",
    "cache/archives/partial",
  ]) {
    mkdirSync(join(root, part), { recursive: true });
  }
  mkdirSync(files, { recursive: true });
  writeFileSync(join(root, "status"), "");
  writeFileSync(join(root, "etc/sources.list.d/mirror.sources"), sources);
  const options = {
    "Dir::Etc": join(root, "etc"),
    "Dir::State": join(root, "state"),
    "Dir::State::status": join(root, "status"),
    "Dir::Cache": join(root, "cache"),
    "APT::Architecture": "amd64",
    "APT::Architectures": "amd64",
    "APT::Sandbox::User": "",
    "APT::Update::Error-Mode": "any",
    "Acquire::Retries": "0",
    "Acquire::http::Proxy": "DIRECT",
  };
  // apt reads APT_CONFIG first, so the machine's own configuration is not read.
  const configuration = join(root, "apt.conf");
  writeFileSync(
    configuration,
    Object.entries(options)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(""),
  );
  const apt = async (...words: readonly string[]) => {
    const { stdout, stderr } = await run("apt-get", words, {
      cwd: files,
      env: { ...process.env, LC_ALL: "C", APT_CONFIG: configuration },
    });
    return stdout + stderr;
  };
  return {
    update: () => apt("-q", "update"),
    download: async (...names) => {
      await apt("-q", "download", ...names);
      return readdirSync(files).sort();
    },
  };
}
