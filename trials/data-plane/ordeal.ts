import { setTimeout as sleep } from "node:timers/promises";
import { brokers, type Lab } from "../../model";
import { telemetryTopic } from "../../model/data/programs";
import { matchFilter } from "../../model/data/mqtt-filter";
import { reasonOf } from "../../scripts/lib/errors";
import { loadRoute } from "../../scripts/lib/load/plan";
import type { Percentiles } from "../../scripts/lib/load/percentiles";
import type { StageResult } from "../../scripts/lib/load/result";
import { runLoad } from "../../scripts/lib/load/run-load";
import type { LoadTarget } from "../../scripts/lib/load/mqtt-device";
import type { Stage } from "../../scripts/lib/load/schedule";
import { KafkaTopic } from "../../scripts/lib/records/kafka-topic";
import type { Pi } from "../../test/support/lab/pi";
import type { Log } from "../../toolchain/log";
import { CountingReader } from "./counting-reader";
import { faults, type Fault } from "./faults";

/** What data is sent through. */
export interface DataGround {
  /** With MQTT broker, bridge, telemetry, and a route for loads. */
  readonly lab: Lab;
  readonly target: LoadTarget;
  /** The Pi of a host, seen from below. */
  readonly pi: (host: string) => Pi;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Something that befell the lab. */
export interface Incident {
  readonly what: string;
  /** When, epoch ms. */
  readonly fellMs: number;
  /** Until all was well again, ms; undefined where that was waited for too long. */
  readonly recoveryMs: number | undefined;
  /** What was not well in the end. */
  readonly problem?: string;
}

export interface DataEndured {
  readonly stage: StageResult;
  readonly incidents: readonly Incident[];
  /** Different messages of the stage that two more consumers have read: one all the time, one that was stopped. */
  readonly readers: { readonly steady: number; readonly stopped: number };
  /** How late messages came to the steady one, before the other was stopped and while it was. */
  readonly steadyMs: {
    readonly before: Percentiles | undefined;
    readonly meanwhile: Percentiles | undefined;
  };
  /** The hosts whose telemetry was heard, and what of it is missing. */
  readonly telemetry: { readonly hosts: readonly string[]; readonly gaps: readonly string[] };
}

/** When, in parts of the load's time: the second consumer is stopped and begins again. */
const STOPPED = { from: 0.08, to: 0.22 };
/** A message that is older when it is read is late, ms. */
const REAL_TIME_MS = 1000;
/** What readers have not read yet when the load has been read back is waited for, ms. */
const CATCH_UP_MS = 60_000;

/**
 * Loads a lab over MQTT while a consumer is stopped, a broker is killed, Mosquitto is restarted and the bridge
 * is killed, and reads everything with two more consumers.
 * @throws where it cannot begin or is interrupted
 */
export async function endureLoad(ground: DataGround, stage: Stage): Promise<DataEndured> {
  const { lab, signal } = ground;
  const { topic } = loadRoute(lab, stage.devices);
  // Nobody else's: a lab may go through this more than once.
  const run = Date.now().toString(36);
  const readers = {
    steady: new CountingReader(lab, topic, `steady-${run}`),
    stopped: new CountingReader(lab, topic, `stopped-${run}`),
    telemetry: new CountingReader(lab, telemetryRoute(lab), `telemetry-${run}`),
  };
  const servers = brokers(lab).map(({ nodeId, machine }): [number, string] => [
    nodeId,
    `${machine.address}:${lab.cluster.clientPort}`,
  ]);
  const client = new KafkaTopic(new Map(servers), topic);
  // What fails on one side ends the other one.
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const orEnd = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  try {
    for (const reader of Object.values(readers)) await reader.start(signal);
    const load = runLoad({
      target: ground.target,
      topic: client,
      stages: [stage],
      signal: both,
      log: ground.log,
    });
    const [{ stages }, befallen] = await Promise.all([
      orEnd(load),
      orEnd(befall({ ...ground, signal: both }, stage, readers)),
    ]);
    const result = stages[0];
    if (result === undefined) throw new Error("the load was not run");
    await caughtUp([readers.steady, readers.stopped], result, signal);
    return {
      stage: result,
      ...befallen,
      readers: {
        steady: readers.steady.count(result.session),
        stopped: readers.stopped.count(result.session),
      },
      telemetry: { hosts: readers.telemetry.devices, gaps: readers.telemetry.gaps() },
    };
  } finally {
    await Promise.all(Object.values(readers).map((reader) => reader.stop()));
    await client.close();
  }
}

interface Readers {
  readonly steady: CountingReader;
  readonly stopped: CountingReader;
}

async function befall(
  ground: DataGround,
  { seconds }: Stage,
  { steady, stopped }: Readers,
): Promise<Pick<DataEndured, "incidents" | "steadyMs">> {
  const { signal, log } = ground;
  const begun = performance.now();
  const until = (part: number): Promise<void> =>
    sleep(Math.max(0, part * seconds * 1000 - (performance.now() - begun)), undefined, { signal });
  const before = steady.watch();
  await until(STOPPED.from);
  const steadyBefore = before();
  await stopped.stop();
  log("  a consumer is stopped");
  const meanwhile = steady.watch();
  await until(STOPPED.to);
  const steadyMeanwhile = meanwhile();
  await stopped.start(signal);
  log("  it reads again");
  const incidents: Incident[] = [];
  for (const fault of faults) {
    await until(fault.at);
    incidents.push(await meet(fault, ground, steady));
  }
  return { incidents, steadyMs: { before: steadyBefore, meanwhile: steadyMeanwhile } };
}

async function meet(fault: Fault, ground: DataGround, steady: CountingReader): Promise<Incident> {
  const fellMs = Date.now();
  const { what, recovered } = await fault.befall(ground);
  ground.log(`  ${what}`);
  try {
    await recovered();
    await inRealTime(steady, fellMs, ground.signal);
  } catch (error) {
    ground.signal.throwIfAborted();
    // What becomes of the messages is worth knowing all the same.
    const problem = reasonOf(error);
    ground.log(`  ✗ ${problem}`);
    return { what, fellMs, recoveryMs: undefined, problem };
  }
  const recoveryMs = Date.now() - fellMs;
  ground.log(`  well again after ${(recoveryMs / 1000).toFixed(1)} s`);
  return { what, fellMs, recoveryMs };
}

/** Waits until a consumer reads what was sent after a moment, and no more than a second ago. */
async function inRealTime(
  reader: CountingReader,
  sinceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MS;
  while (reader.newestMs < Math.max(sinceMs, Date.now() - REAL_TIME_MS)) {
    reader.assertAlive();
    if (performance.now() > deadline) {
      const late = Math.round((Date.now() - reader.newestMs) / 1000);
      throw new Error(
        `waited ${CATCH_UP_MS / 1000} s for messages to come in real time; the newest is ${late} s old`,
      );
    }
    await sleep(50, undefined, { signal });
  }
}

async function caughtUp(
  readers: readonly CountingReader[],
  { session, read }: StageResult,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MS;
  while (readers.some((reader) => reader.count(session) < read) && performance.now() < deadline) {
    for (const reader of readers) reader.assertAlive();
    await sleep(200, undefined, { signal });
  }
}

/** The topic that every host's telemetry is carried into. */
function telemetryRoute({ hosts, data }: Lab): string {
  const [host] = hosts;
  const route = data.bridge?.routes.find(
    ({ from }) => host !== undefined && matchFilter(from, telemetryTopic(host.name)),
  );
  if (route === undefined) throw new Error("the lab carries no telemetry into Kafka");
  return route.topic;
}
