import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DeleteRequest,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { diffProperties, InitFailedError, reveal } from "../../plugins/common/rpc";
import type { ConnectAdmin, KafkaAdmin } from "../admin/port";
import { asking, BRISK } from "../admin/port";
import type { OpenShell } from "../ssh/port";
import { checkRollout } from "./check";
import { messageOf, NodeError, NodeHost } from "./hosts";
import { fenceFormer, type FenceOptions } from "./fence";
import { RollLease } from "./lease";
import type { RolloutNode } from "./node";
import {
  formerFingerprint,
  formerNodes,
  isBroker,
  parseNodes,
  plannedMoves,
  rolloutOutputs,
} from "./node";
import { observed } from "./plan";
import { refusedChanges } from "./refusals";
import type { Probes } from "./roller";
import { Roller } from "./roller";
import { RunTime } from "./run-time";
import { changedWhileRunning } from "./run-time-plan";
import type { Fingerprint } from "./stamp";
import {
  comparable,
  finalizedNow,
  finalizedSeen,
  formerFinalized,
  refusedVersions,
  versionChanges,
} from "./versions";

const DEFAULT_START_TIMEOUT_SECONDS = 120;
/** For changes: a Pi that is just starting is waited for, about half a minute. */
const PATIENT_DIAL = { retries: 6, dialTimeoutMs: 8_000 };
/** For a look: a refresh opens several connections to each host at once, and the hosts have other work. */
const READ_DIAL = { retries: 0, dialTimeoutMs: 10_000 };
/** For hosts that may be gone. */
const SHORT_DIAL = { retries: 0, dialTimeoutMs: 3_000 };

export interface RolloutPorts {
  readonly openShell: OpenShell;
  readonly connectAdmin: ConnectAdmin;
}

interface Change {
  readonly id: string;
  readonly urn: string;
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
}

/** `pilab:kafka/rollout:Rollout`. Its outputs are its inputs, with what runs in the place of `want`. */
export class RolloutHandler implements ResourceHandler {
  constructor(private readonly ports: RolloutPorts) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkRollout(news) };
  }

  /** Old outputs against new inputs: "running => wanted". Whatever differs, it is never replaced. */
  async diff(
    { name, oldInputs, olds, news }: DiffRequest,
    { log }: CallContext,
  ): Promise<DiffResult> {
    const refusals = refusedChanges(oldInputs, olds, news);
    const changes = versionChanges(oldInputs, olds, news);
    if (changes.length > 0) {
      const warn = (message: string): void => log.warn(message);
      const finalized = await finalizedNow(this.ports.connectAdmin, olds, warn);
      refusals.push(...refusedVersions(changes, finalized));
    }
    if (refusals.length > 0) throw new Error([`rollout ${name}:`, ...refusals].join("\n  "));
    for (const [host, keys] of changedWhileRunning(olds, news)) {
      log.info(`${host}: ${keys.join(", ")}: changed while it runs, without a restart`);
    }
    return { detailedDiff: diffProperties(comparable(olds), news) };
  }

  async create(
    { name, urn, news, preview }: CreateRequest,
    context: CallContext,
  ): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    return { id: name, outputs: await this.converge({ id: name, urn, olds: {}, news }, context) };
  }

  async update(
    { id, urn, olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    return { outputs: preview ? news : await this.converge({ id, urn, olds, news }, context) };
  }

  async read({ id, outputs, inputs }: ReadRequest, context: CallContext): Promise<ReadResult> {
    if (Object.keys(outputs).length === 0) {
      throw new Error("a rollout cannot be imported: `up` takes running brokers over as they are");
    }
    const nodes = parseNodes(inputs["nodes"]);
    const { hosts, unreachable } = await this.open(nodes, outputs, READ_DIAL, context);
    try {
      const probes: Probes = new Map();
      const runTime = this.runTime(outputs, context);
      await Promise.all(
        [...hosts.values()].map(async (host) => {
          try {
            const probe = await host.probe();
            await runTime.look(host.node, probe);
            probes.set(host.node.host, probe);
            runTime.tell(host.node, probe);
          } catch (error) {
            unreachable.set(host.node.host, (error as Error).message);
          }
        }),
      );
      for (const message of unreachable.values()) {
        context.log.warn(`what its Kafka runs with is kept as last known: ${message}`);
      }
      const seen = observations(nodes, outputs, probes, runTime);
      const finalized = await asking(this.connectBrokers(nodes), (admin) =>
        finalizedSeen(admin, outputs),
      );
      return { id, inputs, outputs: { ...rolloutOutputs(outputs, seen), ...finalized } };
    } finally {
      hosts.forEach((host) => host.close());
    }
  }

  async delete({ outputs }: DeleteRequest, context: CallContext): Promise<void> {
    if (reveal(outputs["stopOnDelete"]) !== true) return;
    const nodes = parseNodes(outputs["nodes"]);
    const { hosts, unreachable } = await this.open(nodes, outputs, SHORT_DIAL, context);
    try {
      for (const message of unreachable.values()) {
        context.log.warn(`Kafka was not stopped there: ${message}`);
      }
      const outcomes = await Promise.allSettled(
        [...hosts.values()].map((host) => {
          context.log.status(`${host.node.host}: stopping Kafka; its data stays`);
          return host.stop();
        }),
      );
      const failures = outcomes.flatMap((one) =>
        one.status === "rejected" ? [messageOf(one.reason)] : [],
      );
      if (failures.length > 0) throw new NodeError(failures.join("\n"));
    } finally {
      hosts.forEach((host) => host.close());
    }
  }

  /** Brings every node to what is wanted. Fails with the true state, from which the next run goes on. */
  private async converge(
    { id, urn, olds, news }: Change,
    context: CallContext,
  ): Promise<PropertyMap> {
    const nodes = parseNodes(news["nodes"]);
    const moves = plannedMoves(nodes, olds["nodes"]);
    const { hosts, unreachable } = await this.open(nodes, news, PATIENT_DIAL, context);
    const probes: Probes = new Map();
    const admin = this.connectBrokers(nodes);
    const connectTo = (server: string) => this.ports.connectAdmin([server], BRISK);
    const runTime = this.runTime(olds, context);
    const roller = new Roller(nodes, hosts, admin, connectTo, probes, runTime, moves, {
      stagingUrn: (host) => stagingUrn(urn, host),
      startTimeoutMs: startTimeoutMs(news),
      signal: context.signal,
      progress: (line) => context.log.status(line),
      done: (line) => context.log.info(line),
    });
    const failures = [...unreachable.values()];
    const service = reveal(news["service"]) as string;
    const { openShell } = this.ports;
    const { signal, log } = context;
    const fenceOptions: FenceOptions = {
      ...{ service, openShell, admin, signal },
      progress: (line) => log.status(line),
      warn: (line) => log.warn(line),
    };
    let finalized = formerFinalized(olds);
    try {
      await roller.probeAll();
      if (!roller.idle) await this.work(roller, [...hosts.values()], failures, fenceOptions);
      if (failures.length === 0) {
        await roller.awaitAll();
        await roller.settleVoters();
      }
      roller.tellForeign();
      finalized = await finalizedSeen(admin, olds);
    } catch (error) {
      failures.push(context.signal.aborted ? cancelled(error) : messageOf(error));
    } finally {
      hosts.forEach((host) => host.close());
      await admin.close();
    }
    const seen = observations(nodes, olds, probes, runTime);
    const outputs = {
      ...rolloutOutputs(news, seen, formerNodes(olds["nodes"], roller.unmoved)),
      ...finalized,
    };
    if (failures.length > 0) throw new InitFailedError({ id, outputs, reasons: failures });
    return outputs;
  }

  private connectBrokers(nodes: readonly RolloutNode[]): KafkaAdmin {
    const servers = nodes.filter(isBroker).map((node) => node.address);
    return this.ports.connectAdmin(servers, BRISK);
  }

  private runTime(olds: PropertyMap, { signal, log }: CallContext): RunTime {
    return new RunTime(
      (server, options) => this.ports.connectAdmin([server], options),
      (host) => formerFingerprint(olds["nodes"], host),
      {
        signal,
        progress: (line) => log.status(line),
        done: (line) => log.info(line),
        warn: (line) => log.warn(line),
      },
    );
  }

  private async work(
    roller: Roller,
    hosts: readonly NodeHost[],
    failures: readonly string[],
    fence: FenceOptions,
  ): Promise<void> {
    roller.assertStaged();
    const lease = await RollLease.acquire(hosts, fence);
    try {
      // Another roller may have been at work until now.
      await roller.probeAll();
      await roller.startAll();
      // With a host out of reach its broker may be down, and another one must not join it.
      if (failures.length > 0) return;
      await roller.moveAll(lease, (move) => fenceFormer(move, fence));
      await roller.rollAll(lease);
    } finally {
      await lease.release();
    }
  }

  /** Logs in to all hosts at once. Those that cannot be reached are told apart, each with its error. */
  private async open(
    nodes: readonly RolloutNode[],
    properties: PropertyMap,
    dial: { retries: number; dialTimeoutMs: number },
    { signal, log }: CallContext,
  ): Promise<{ hosts: Map<string, NodeHost>; unreachable: Map<string, string> }> {
    const service = reveal(properties["service"]) as string;
    const status = (line: string): void => log.status(line);
    const hosts = new Map<string, NodeHost>();
    const unreachable = new Map<string, string>();
    const options = { signal, status, ...dial };
    await Promise.all(
      nodes.map(async (node) => {
        try {
          hosts.set(node.host, await NodeHost.open(node, service, this.ports.openShell, options));
        } catch (error) {
          unreachable.set(node.host, messageOf(error));
        }
      }),
    );
    if (signal.aborted) hosts.forEach((host) => host.close());
    signal.throwIfAborted();
    return { hosts, unreachable };
  }
}

/** The resource that stages a host's files, in the same stack: `KafkaBroker` makes it by this name. */
function stagingUrn(rollout: string, host: string): string {
  const [stack, project] = rollout.replace(/^urn:pulumi:/, "").split("::");
  const type = "pilab:kafka:Broker$command:remote:Command";
  return `urn:pulumi:${stack}::${project}::${type}::${host}-files`;
}

/** What is known of each node: seen now, or known before. A node of which nothing is known is left out. */
function observations(
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
