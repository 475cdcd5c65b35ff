import { setTimeout as sleep } from "node:timers/promises";
import { type AlertRule, brokers, type KafkaAccess, type Lab } from "../../model";
import { telemetryTopic } from "../../model/data/programs";
import { matchFilter } from "../../model/data/mqtt-filter";
import type { Alert } from "../../payloads/alerting/core/ledger";
import type { Sasl } from "../../provider/admin/port";
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
import { AlertWatch } from "./alert-watch";
import { CountingReader } from "./counting-reader";
import { faults, type Deed, type Fault, type FaultGround } from "./faults";

/** What data is sent through. */
export interface DataGround {
  /** With MQTT broker, bridge, telemetry, a route for loads, and alerting that tells a topic. */
  readonly lab: Lab;
  /** How consumers get at it. */
  readonly access: KafkaAccess;
  /** How the administrator logs in. Default: no login. */
  readonly sasl?: Sasl | undefined;
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
  readonly alert?: IncidentAlert;
  /** The alerts that may be told until the next one. */
  readonly mayTell: readonly AlertRule["type"][];
}

/** The alert that had to be told of an incident. */
export interface IncidentAlert {
  /** `RULE/SUBJECT`. */
  readonly name: string;
  /** From the condition until it was told, by the lab's clock, ms; undefined where that was waited for too long. */
  readonly afterMs: number | undefined;
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
  /** All that alerting has told since the lab was made, and for how long all was well before the first incident. */
  readonly alerts: { readonly told: readonly Alert[]; readonly quietMs: number };
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
 * Loads a lab over MQTT while a consumer is stopped, a broker is killed, Mosquitto is restarted, the bridge is
 * killed and a client's telemetry falls silent, and reads everything with two more consumers.
 * @param quietSeconds for how long nothing at all is done before
 * @throws where it cannot begin or is interrupted
 */
export async function endureLoad(
  ground: DataGround,
  stage: Stage,
  quietSeconds = 0,
): Promise<DataEndured> {
  const { lab, access, signal } = ground;
  const { topic } = loadRoute(lab, stage.devices);
  // Nobody else's: a lab may go through this more than once.
  const run = Date.now().toString(36);
  const readers = {
    steady: new CountingReader(access, topic, `steady-${run}`),
    stopped: new CountingReader(access, topic, `stopped-${run}`),
    telemetry: new CountingReader(access, telemetryRoute(lab), `telemetry-${run}`),
  };
  const servers = brokers(lab).map(({ nodeId, machine }): [number, string] => [
    nodeId,
    `${machine.address}:${lab.cluster.clientPort}`,
  ]);
  const alerts = new AlertWatch(access, alertTopic(lab), `alerts-${run}`);
  const client = new KafkaTopic(new Map(servers), topic, ground.sasl);
  // What fails on one side ends the other one.
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const orEnd = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  try {
    for (const reader of [...Object.values(readers), alerts]) await reader.start(signal);
    const quietFromMs = Date.now();
    if (quietSeconds > 0) ground.log(`  quiet for ${quietSeconds} s`);
    await sleep(quietSeconds * 1000, undefined, { signal });
    const load = runLoad({
      target: ground.target,
      topic: client,
      stages: [stage],
      signal: both,
      log: ground.log,
    });
    const [{ stages }, befallen] = await Promise.all([
      orEnd(load),
      orEnd(
        befall({ ...ground, alerts, telemetry: readers.telemetry, signal: both }, stage, readers),
      ),
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
      alerts: {
        told: [...alerts.told],
        quietMs: (befallen.incidents[0]?.fellMs ?? Date.now()) - quietFromMs,
      },
      telemetry: { hosts: readers.telemetry.devices, gaps: readers.telemetry.gaps() },
    };
  } finally {
    await Promise.all([...Object.values(readers), alerts].map((reader) => reader.stop()));
    await client.close();
  }
}

interface Readers {
  readonly steady: CountingReader;
  readonly stopped: CountingReader;
}

async function befall(
  ground: FaultGround,
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

async function meet(fault: Fault, ground: FaultGround, steady: CountingReader): Promise<Incident> {
  const { mayTell } = fault;
  const fellMs = Date.now();
  const deed = await fault.befall(ground);
  const { what, due } = deed;
  ground.log(`  ${what}`);
  try {
    await deed.recovered();
    await inRealTime(steady, fellMs, ground.signal);
    const recoveryMs = Date.now() - fellMs;
    ground.log(`  well again after ${(recoveryMs / 1000).toFixed(1)} s`);
    const alert = await alertOf(deed, fellMs, ground);
    return { what, fellMs, recoveryMs, mayTell, ...(alert !== undefined && { alert }) };
  } catch (error) {
    ground.signal.throwIfAborted();
    // What becomes of the messages is worth knowing all the same.
    const problem = reasonOf(error);
    ground.log(`  ✗ ${problem}`);
    const alert = due && { name: due.alert, afterMs: undefined };
    const recoveryMs = undefined;
    return { what, fellMs, recoveryMs, problem, mayTell, ...(alert !== undefined && { alert }) };
  }
}

/** Waits until the alert that is due was told, and its end. */
async function alertOf(
  { due }: Deed,
  fellMs: number,
  { alerts, signal }: FaultGround,
): Promise<IncidentAlert | undefined> {
  if (due === undefined) return undefined;
  const { at } = await alerts.await("firing", due.alert, fellMs, signal);
  await alerts.await("resolved", due.alert, Date.parse(at), signal);
  return { name: due.alert, afterMs: Date.parse(at) - due.sinceMs };
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

function alertTopic({ data }: Lab): string {
  const topic = data.alerting?.outputs.topic;
  if (topic === undefined) throw new Error("the lab's alerting tells no topic");
  return topic;
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
