import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

export const checkout = path.resolve(__dirname, "../../..");

/** A folder for one test, removed by `cleanUp`. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-test-"));
  cleanUps.push(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const cleanUps: (() => void | Promise<void>)[] = [];

/** Call it in afterEach: ends and removes what the helpers of this file have made. */
export async function cleanUp(): Promise<void> {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
}

/** Sets variables of this process until `cleanUp`; undefined removes one. */
export function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    cleanUps.push(() => put(name, before));
    put(name, value);
  }
}

function put(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** An HTTP server on the loopback, until `cleanUp`. It remembers the paths that were asked for. */
export async function serve(
  handler: http.RequestListener,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? "");
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Serves files by path; what is not there is a 404. */
export function serveFiles(files: Readonly<Record<string, string | Buffer>>) {
  return serve((request, response) => {
    const content = files[request.url ?? ""];
    response.statusCode = content === undefined ? 404 : 200;
    response.end(content);
  });
}

/** Writes an executable shell script. */
export function writeScript(file: string, body: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

/** A .tar.gz of a tree of files given as path -> content. */
export function tarball(files: Readonly<Record<string, string>>): Buffer {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content, { mode: 0o755 });
  }
  return execFileSync("tar", ["-czf", "-", "-C", folder, "."], { maxBuffer: 50e6 });
}

/**
 * Runs TypeScript in a process of its own, with the checkout as its folder, until `cleanUp` at the latest.
 * `output` grows as it prints; `ended` is settled at its end.
 */
export function startProgram(
  source: string,
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; output: string; readonly ended: Promise<number | string> } {
  const file = path.join(temporaryFolder(), "program.ts");
  fs.writeFileSync(file, source);
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown")),
  );
  const program = { child, output: "", ended };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (program.output += chunk));
  }
  cleanUps.push(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return program;
}

/** Waits until `condition` holds; the error says what was waited for. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 30 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
