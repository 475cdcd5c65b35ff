/** Keeps a node's former process from ever running beside the new one. */
import { isSilence, SshError } from "../../plugins/common/ssh";
import type { KafkaAdmin } from "../admin/port";
import type { OpenShell } from "../ssh/port";
import { waitFor, WaitTimeoutError } from "../wait";
import { messageOf, NodeError, NodeHost } from "./hosts";
import { isBroker, type Move } from "./node";

/** A machine that is off is not waited for; one whose Kafka answers is on, and perhaps busy. */
const SHORT_DIAL = { retries: 0, dialTimeoutMs: 3_000 };
const PATIENT_DIAL = { retries: 2, dialTimeoutMs: 10_000 };
/** A broker whose process is gone counts as serving until its session ends: 9 s by default. */
const RELEASE_MS = 60_000;
const RELEASE_INTERVAL_MS = 500;

export interface FenceOptions {
  readonly service: string;
  readonly openShell: OpenShell;
  readonly admin: KafkaAdmin;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly warn: (line: string) => void;
}

/**
 * Stops Kafka on the machine (or disk) that a node leaves, and holds it there: no boot and no `systemctl
 * start` brings it back. A machine that is off, or whose address is another one's by now, cannot be
 * stopped and need not be; what still serves without letting us in is an error.
 *
 * Returns once neither the old listeners answer nor the cluster counts the old process in.
 */
export async function fenceFormer(move: Move, options: FenceOptions): Promise<void> {
  const { host } = move.node;
  options.progress(`${host}: stopping Kafka where it ran (${move.former.login.host})`);
  const gone = await stopFormer(move, options);
  if (gone !== undefined) options.warn(`${host}: ${gone}; it is taken for gone`);
  await awaitRelease(move, options);
}

/** Undefined when it was stopped, else why the machine counts as gone. */
async function stopFormer(move: Move, options: FenceOptions): Promise<string | undefined> {
  const { node, former } = move;
  const { service, openShell, signal, progress } = options;
  const isOn = (await stillAnswering(former.listeners, options.admin)).length > 0;
  let machine: NodeHost;
  try {
    const leaving = { ...node, login: former.login };
    machine = await NodeHost.open(leaving, service, openShell, {
      signal,
      status: progress,
      ...(isOn ? PATIENT_DIAL : SHORT_DIAL),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SshError)) throw error;
    if (error.code === "host_key_mismatch") {
      return `another machine answers at ${former.login.host}`;
    }
    if (isSilence(error)) {
      return `its former machine (${former.login.host}) does not answer`;
    }
    throw new NodeError(
      `${node.host}: its former machine answers, but Kafka cannot be stopped there: ` +
        `${error.message}. Stop it by hand (\`sudo systemctl disable --now ${service}\`) or switch ` +
        "that machine off, then run `pulumi up` again.",
    );
  }
  try {
    await machine.hold(`${node.host} was given another machine or disk; pi-lab holds Kafka here.`);
    return undefined;
  } finally {
    machine.close();
  }
}

async function awaitRelease({ node, former }: Move, options: FenceOptions): Promise<void> {
  const { admin, signal, progress, service } = options;
  const wait = {
    what: `the cluster to let go of ${node.host}'s former process`,
    timeoutMs: RELEASE_MS,
    intervalMs: RELEASE_INTERVAL_MS,
    signal,
    progress,
  };
  try {
    await waitFor(wait, async () => {
      const answering = await stillAnswering(former.listeners, admin);
      const reasons = answering.map((server) => `${server} still answers`);
      if (isBroker(node)) reasons.push(...(await stillServing(node.nodeId, admin)));
      return reasons.length === 0 ? { done: undefined } : { pending: reasons.join("; ") };
    });
  } catch (error) {
    if (!(error instanceof WaitTimeoutError)) throw error;
    throw new NodeError(
      `${node.host}: ${error.message}. Two processes must not run as one node, so the new one was not ` +
        `started. Stop the former one by hand (\`sudo systemctl disable --now ${service}\` there, or ` +
        "switch that machine off), then run `pulumi up` again.",
    );
  }
}

/** Those of the servers that still answer. */
export async function stillAnswering(
  servers: readonly string[],
  admin: KafkaAdmin,
): Promise<string[]> {
  const answers = await Promise.all(
    servers.map((server) =>
      admin.ping(server).then(
        () => [server],
        () => [],
      ),
    ),
  );
  return answers.flat();
}

async function stillServing(nodeId: number, admin: KafkaAdmin): Promise<string[]> {
  try {
    const found = (await admin.listBrokers()).find(({ id }) => id === nodeId);
    return found === undefined || found.fenced ? [] : ["its broker is still counted in"];
  } catch (error) {
    return [messageOf(error)];
  }
}
