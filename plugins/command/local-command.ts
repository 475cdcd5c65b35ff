import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { PropertyMap } from "../common/rpc";
import { reveal } from "../common/rpc";
import { commandResource, readCommon } from "./command";
import { OutputFollower, redactor, secretTexts, showCommand, trimFinalNewline } from "./output";

/** Time that a cancelled command has to end after SIGTERM, before SIGKILL. */
const TERM_GRACE_MS = 1_000;

/** `command:local:Command` */
export const localCommand = commandResource({
  properties: { dir: "string", interpreter: "strings" },

  check(checker, inputs) {
    for (const name of ["assetPaths", "archivePaths"]) {
      if ((inputs[name] ?? null) !== null) {
        checker.fail([name], "collecting files needs the official command plugin");
      }
    }
    return inputs;
  },

  async run(invocation, { log, signal }) {
    const { inputs, command } = invocation;
    const { text, stdin, environment, previousEnv, logging } = readCommon(invocation);
    const follower = new OutputFollower(log, logging, redactor(secretTexts(inputs)));
    const [program = "", ...args] = [...interpreterOf(inputs), text];
    const dir = reveal(inputs["dir"]);
    signal.throwIfAborted();
    const child = spawn(program, args, {
      cwd: typeof dir === "string" ? dir : process.cwd(),
      env: { ...process.env, ...environment, ...previousEnv },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout = collect(child.stdout, follower.onStdout);
    const stderr = collect(child.stderr, follower.onStderr);
    let killTimer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill("SIGTERM");
      killTimer = setTimeout(() => {
        child.kill("SIGKILL");
        // What the command itself started may still hold its pipes open.
        child.stdout.destroy();
        child.stderr.destroy();
      }, TERM_GRACE_MS);
    };
    signal.addEventListener("abort", stop);
    // A command that ends without reading its input breaks the pipe; its status says the rest.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    let status: string;
    try {
      status = await new Promise((resolve, reject) => {
        child.on("error", (error) => reject(notStarted(program, dir, error)));
        child.on("close", (code, killer) =>
          resolve(killer === null ? `exit status ${code ?? 0}` : `signal: ${killer}`),
        );
      });
    } finally {
      clearTimeout(killTimer);
      signal.removeEventListener("abort", stop);
    }
    follower.end();
    signal.throwIfAborted();
    if (status !== "exit status 0") {
      throw new Error(`${status}: running ${showCommand(command)}:\n${follower.text}`);
    }
    return { stdout: trimFinalNewline(stdout()), stderr: trimFinalNewline(stderr()) };
  },
});

function interpreterOf(inputs: PropertyMap): string[] {
  const given = reveal(inputs["interpreter"]) as string[] | null | undefined;
  if (given !== undefined && given !== null && given.length > 0) return given;
  return process.platform === "win32" ? ["cmd", "/C"] : ["/bin/sh", "-c"];
}

function notStarted(program: string, dir: unknown, error: NodeJS.ErrnoException): Error {
  const where = typeof dir === "string" ? ` in ${dir}` : "";
  const hint = error.code === "ENOENT" ? ": program or folder not found" : `: ${error.message}`;
  return new Error(`${program} cannot be started${where}${hint}`, { cause: error });
}

function collect(stream: NodeJS.ReadableStream, onText: (text: string) => void): () => string {
  const chunks: Buffer[] = [];
  const decoder = new StringDecoder("utf8");
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    const text = decoder.write(chunk);
    if (text !== "") onText(text);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
