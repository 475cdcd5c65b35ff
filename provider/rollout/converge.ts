/** Brings every node to what is wanted, and tells what came of it. */
import type { PropertyMap } from "../../plugins/common/rpc";
import { InitFailedError, reveal } from "../../plugins/common/rpc";
import type { ConnectAdmin, KafkaAdmin } from "../admin/port";
import { BRISK } from "../admin/port";
import type { OpenShell } from "../ssh/port";
import { Fence } from "./fence";
import { messageOf } from "./hosts";
import { RollLease } from "./lease";
import { LiveCluster } from "./live-cluster";
import { plannedMoves, unsettledHosts } from "./moves";
import type { RolloutNode } from "./node";
import { formerFingerprint, isBroker, parseNodes } from "./node";
import { openHosts } from "./open-hosts";
import { presentNodes, rolloutOutputs } from "./outputs";
import { observed } from "./plan";
import type { Probes } from "./roller";
import { Roller } from "./roller";
import { RunTime, type RunTimeOptions } from "./run-time";
import type { Fingerprint } from "./stamp";
import { unfinishedSeen } from "./unfinished";
import { finalizedSeen, formerFinalized } from "./versions";

const DEFAULT_START_TIMEOUT_SECONDS = 120;
/** For changes: a Pi that is just starting is waited for, about half a minute. */
const PATIENT_DIAL = { retries: 6, dialTimeoutMs: 8_000 };

export interface RolloutPorts {
  readonly openShell: OpenShell;
  readonly connectAdmin: ConnectAdmin;
}

export interface Change {
  readonly id: string;
  readonly urn: string;
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
}

/**
 * The one routine behind create and update.
 *
 * @returns the outputs
 * @throws InitFailedError with the true state, from which the next run goes on
 */
export async function converge(
  { id, urn, olds, news }: Change,
  ports: RolloutPorts,
  options: RunTimeOptions,
): Promise<PropertyMap> {
  const { signal, progress } = options;
  const nodes = parseNodes(news["nodes"]);
  const service = reveal(news["service"]) as string;
  const { openShell } = ports;
  const dial = { ...PATIENT_DIAL, signal, status: progress };
  const { hosts, unreachable } = await openHosts(nodes, service, openShell, dial);
  const admin = connectBrokers(nodes, ports.connectAdmin);
  try {
    const moves = new Map(
      plannedMoves(nodes, olds["nodes"]).map((move) => [move.node.host, move] as const),
    );
    const fence = new Fence({ ...options, service, openShell, admin, nodes, hosts });
    const cluster = new LiveCluster(
      nodes,
      admin,
      (server) => ports.connectAdmin([server], BRISK),
      moves,
      fence.isReplaced,
      { signal, progress, startTimeoutMs: startTimeoutMs(news) },
    );
    const probes: Probes = new Map();
    const runTime = runTimeOf(olds, ports.connectAdmin, options);
    const unsettled = unsettledHosts(nodes, olds["nodes"]);
    const roller = new Roller(nodes, hosts, cluster, fence, probes, runTime, moves, unsettled, {
      ...options,
      stagingUrn: (node) => stagingUrn(urn, node),
    });
    const failures = [...unreachable.values()];
    let finalized = formerFinalized(olds);
    try {
      await roller.probeAll();
      if (!roller.idle)
        await work(roller, failures.length === 0, () =>
          RollLease.acquire([...hosts.values()], options),
        );
      if (failures.length === 0) {
        await roller.awaitAll();
        await roller.settleVoters();
      }
      roller.tellForeign();
      finalized = await finalizedSeen(admin, olds);
    } catch (error) {
      failures.push(signal.aborted ? cancelled(error) : messageOf(error));
    }
    const seen = observations(nodes, olds, probes, runTime);
    const outputs = { ...rolloutOutputs(olds, news, seen, roller.undone), ...finalized };
    if (failures.length === 0) return outputs;
    const left = await unfinishedSeen(admin, parseNodes(presentNodes(news, outputs)), olds);
    throw new InitFailedError({ id, outputs: { ...outputs, ...left }, reasons: failures });
  } finally {
    hosts.forEach((host) => host.close());
    await admin.close();
  }
}

async function work(
  roller: Roller,
  isWhole: boolean,
  acquire: () => Promise<RollLease>,
): Promise<void> {
  roller.assertStaged();
  const lease = await acquire();
  try {
    // Another roller may have been at work until now.
    await roller.probeAll();
    await roller.startAll();
    // With a host out of reach its broker may be down, and another one must not join it.
    if (!isWhole) return;
    await roller.moveAll(lease);
    await roller.rollAll(lease);
  } finally {
    await lease.release();
  }
}

export function connectBrokers(nodes: readonly RolloutNode[], connect: ConnectAdmin): KafkaAdmin {
  const servers = nodes.filter(isBroker).map((node) => node.address);
  return connect(servers, BRISK);
}

export const runTimeOf = (
  olds: PropertyMap,
  connect: ConnectAdmin,
  options: RunTimeOptions,
): RunTime =>
  new RunTime(
    (server, admin) => connect([server], admin),
    (host) => formerFingerprint(olds["nodes"], host),
    options,
  );

/** The resource that stages a host's files, in the same stack: `KafkaNode` makes it by this name. */
function stagingUrn(rollout: string, node: RolloutNode): string {
  const [stack, project] = rollout.replace(/^urn:pulumi:/, "").split("::");
  const parent = isBroker(node) ? "pilab:kafka:Broker" : "pilab:kafka:Controller";
  return `urn:pulumi:${stack}::${project}::${parent}$command:remote:Command::${node.host}-files`;
}

/** What is known of each node: seen now, or known before. A node of which nothing is known is left out. */
export function observations(
  nodes: readonly RolloutNode[],
  olds: PropertyMap,
  probes: Probes,
  runTime: RunTime,
): Map<string, Fingerprint> {
  const seen = new Map<string, Fingerprint>();
  for (const node of nodes) {
    const { host, want } = node;
    const former = formerFingerprint(olds["nodes"], host);
    const probe = probes.get(host);
    const started = probe === undefined ? undefined : runTime.inForce(node, probe);
    if (probe !== undefined) seen.set(host, observed(want, former, { ...probe, started }));
    else if (former !== undefined) seen.set(host, former);
  }
  return seen;
}

function startTimeoutMs(news: PropertyMap): number {
  const seconds = reveal(news["startTimeoutSeconds"]);
  return (typeof seconds === "number" ? seconds : DEFAULT_START_TIMEOUT_SECONDS) * 1_000;
}

const cancelled = (error: unknown): string =>
  `broken off (${messageOf(error)}): no further broker is started or restarted. ` +
  "What is done stays; the next `pulumi up` goes on from here.";
