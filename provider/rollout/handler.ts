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
import { diffProperties, reveal } from "../../plugins/common/rpc";
import { asking } from "../admin/port";
import {
  checkFormerNames,
  renamingDiff,
  withoutFormerNames,
  withPresentNames,
} from "../former-names";
import { checkRollout } from "./check";
import {
  type Change,
  connectBrokers,
  converge,
  observations,
  type RolloutPorts,
  runTimeOf,
} from "./converge";
import { messageOf, NodeError } from "./hosts";
import type { RolloutNode } from "./node";
import { parseNodes } from "./node";
import { type Dial, openHosts } from "./open-hosts";
import { presentNodes, rolloutOutputs } from "./outputs";
import { refusedChanges } from "./refusals";
import type { Probes } from "./roller";
import { changedWhileRunning } from "./run-time-plan";
import { unfinishedSeen } from "./unfinished";
import {
  comparable,
  finalizedNow,
  finalizedSeen,
  refusedVersions,
  versionChanges,
} from "./versions";

/** For a look: a refresh opens several connections to each host at once, and the hosts have other work. */
const READ_DIAL = { retries: 0, dialTimeoutMs: 10_000 };
/** For hosts that may be gone. */
const SHORT_DIAL = { retries: 0, dialTimeoutMs: 3_000 };

/** `pilab:kafka/rollout:Rollout`. Its outputs are its inputs, with what runs in the place of `want`. */
export class RolloutHandler implements ResourceHandler {
  constructor(private readonly ports: RolloutPorts) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: [...checkRollout(news), ...checkFormerNames(news)] };
  }

  /** Old outputs against new inputs: "running => wanted". Whatever differs, it is never replaced. */
  async diff({ name, news, ...before }: DiffRequest, { log }: CallContext): Promise<DiffResult> {
    const oldInputs = withPresentNames(before.oldInputs, "nodes", news);
    const olds = withPresentNames(before.olds, "nodes", news);
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
    const wanted = withoutFormerNames(news);
    const renamed = renamingDiff(before.olds, "nodes", news);
    return { detailedDiff: { ...diffProperties(comparable(olds), wanted), ...renamed } };
  }

  async create(
    { name, urn, news, preview }: CreateRequest,
    context: CallContext,
  ): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    return { id: name, outputs: await this.converge({ id: name, urn, olds: {}, news }, context) };
  }

  async update(
    { id, urn, olds: before, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    const olds = withPresentNames(before, "nodes", news);
    return { outputs: preview ? news : await this.converge({ id, urn, olds, news }, context) };
  }

  async read({ id, outputs, inputs }: ReadRequest, context: CallContext): Promise<ReadResult> {
    if (Object.keys(outputs).length === 0) {
      throw new Error("a rollout cannot be imported: `up` takes running brokers over as they are");
    }
    // Where an update failed that renamed hosts, the inputs have the names of before and the outputs those of now.
    const known = withPresentNames(inputs, "nodes", outputs);
    const nodes = parseNodes(presentNodes(known, outputs));
    const { hosts, unreachable } = await this.open(nodes, outputs, READ_DIAL, context);
    try {
      const probes: Probes = new Map();
      const runTime = runTimeOf(outputs, this.ports.connectAdmin, reporting(context));
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
      const { finalized, unfinished } = await asking(
        connectBrokers(nodes, this.ports.connectAdmin),
        async (admin) => ({
          finalized: await finalizedSeen(admin, outputs),
          unfinished: await unfinishedSeen(admin, nodes, outputs),
        }),
      );
      const present = rolloutOutputs(outputs, outputs, seen);
      delete present["unfinished"];
      return { id, inputs, outputs: { ...present, ...finalized, ...unfinished } };
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

  private converge(change: Change, context: CallContext): Promise<PropertyMap> {
    return converge(change, this.ports, reporting(context));
  }

  private open(
    nodes: readonly RolloutNode[],
    outputs: PropertyMap,
    dial: Dial,
    context: CallContext,
  ) {
    const service = reveal(outputs["service"]) as string;
    const { signal, status } = reporting(context);
    return openHosts(nodes, service, this.ports.openShell, { ...dial, signal, status });
  }
}

const reporting = ({ signal, log }: CallContext) => {
  const status = (line: string): void => log.status(line);
  return {
    signal,
    status,
    progress: status,
    done: (line: string): void => log.info(line),
    warn: (line: string): void => log.warn(line),
  };
};
