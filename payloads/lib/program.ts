import { readFileSync } from "node:fs";
import { Registry, collectDefaultMetrics } from "prom-client";
import { z } from "zod";
import type { PayloadConfig } from "../../model";
import { openEndpoint } from "./endpoint";
import { type Log, makeLog } from "./log";

/** sysexits(3), EX_CONFIG. The unit does not start a program again that ended so. */
export const CONFIG_FAULT = 78;

/** How long a program may take to finish what is in flight after SIGTERM, ms; systemd kills it later than that. */
export const STOP_MS = 20_000;

/** What a program is given. */
export interface Ground {
  readonly log: Log;
  /** Its figures: what is registered here shows at `/metrics`. */
  readonly metrics: Registry;
  /** Aborted when the program is to stop. */
  readonly signal: AbortSignal;
}

/** A program that has begun its work. */
export interface Running {
  /** Undefined while all is well, else what is wrong in words: `/healthz` tells it. */
  health(): string | undefined;
  /** Takes no more, finishes what is in flight, closes connections. */
  stop(): Promise<void>;
}

export interface Program<C extends PayloadConfig> {
  readonly name: string;
  readonly config: z.ZodType<C>;
  start(config: C, ground: Ground): Promise<Running>;
}

/** The keys that every program's configuration has. */
export const payloadShape = {
  host: z.string().min(1),
  endpoint: z.strictObject({ address: z.ipv4(), port: z.int().min(0).max(65_535) }),
};

/** The keys of a Kafka access. */
export const kafkaAccess = z.strictObject({
  bootstrapServers: z.array(z.string().regex(/^[^:]+:\d+$/)).min(1),
  sasl: z
    .strictObject({
      mechanism: z.literal("SCRAM-SHA-512"),
      username: z.string().min(1),
      password: z.string().min(1),
    })
    .exactOptional(),
});

/** The keys of an MQTT access. */
export const mqttAccess = z.strictObject({
  address: z.string().min(1),
  port: z.int().min(1).max(65_535),
  username: z.string().min(1),
  password: z.string().min(1),
});

/**
 * Runs a program until SIGTERM or SIGINT: `node PROGRAM.js CONFIG.json`.
 * Ends with 0 after a clean stop, 78 for a configuration that is wrong, 1 for anything else.
 */
export async function runProgram<C extends PayloadConfig>(program: Program<C>): Promise<void> {
  // systemd sets it for what it starts.
  const forJournal = process.env["JOURNAL_STREAM"] !== undefined;
  const log = makeLog(program.name, (line) => process.stdout.write(line), forJournal);
  const config = readConfig(program, process.argv[2], log);
  if (config === undefined) {
    process.exitCode = CONFIG_FAULT;
    return;
  }
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const stopping = new AbortController();
  const asked = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  try {
    const running = await program.start(config, { log, metrics, signal: stopping.signal });
    const endpoint = await openEndpoint(config.endpoint, running, metrics);
    log("info", "started", { host: config.host, endpoint: endpoint.url });
    const signal = await asked;
    log("info", "stopping", { signal });
    stopping.abort();
    await within(running.stop(), STOP_MS);
    await endpoint.close();
    log("info", "stopped");
    // Sockets that a library left open must not keep the program.
    process.exit(0);
  } catch (error) {
    log("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  }
}

/** Undefined, and told in the log, where it cannot be used. */
function readConfig<C extends PayloadConfig>(
  { config }: Program<C>,
  path: string | undefined,
  log: Log,
): C | undefined {
  if (path === undefined) {
    log("error", "no configuration: give its path as the argument");
    return undefined;
  }
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // JSON.parse quotes what it stopped at, which may be a password.
    const cause = (error as NodeJS.ErrnoException).code ?? "it is not JSON";
    log("error", `${path} cannot be read: ${cause}. Run \`pulumi up\` to have it written again.`);
    return undefined;
  }
  const result = config.safeParse(raw);
  if (result.success) return result.data;
  for (const { path: at, message } of result.error.issues) {
    log("error", `${path}: ${at.join(".") || "(all of it)"}: ${message}`);
  }
  return undefined;
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped within ${ms / 1000} s`)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
