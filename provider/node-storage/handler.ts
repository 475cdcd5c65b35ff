import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { diffProperties } from "../../plugins/common/rpc";
import { SshError } from "../../plugins/common/ssh";
import type { Quorum } from "../admin/port";
import { isUnreachable, KafkaError } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { accepts } from "../reachable";
import type { HostShell, OpenShell } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import { ensureFolder, look } from "./disk";
import { format, formatAtBirth, joinCommand } from "./format";
import {
  checkStorage,
  parseMeta,
  planStorage,
  refusedChange,
  shown,
  type Disk,
  type Identity,
} from "./plan";
import { parseStorage, type Storage } from "./storage";

/** A listener in the same network answers or refuses in milliseconds; a host that is off does neither. */
const BIRTH_PROBE_MS = 1_000;
/** A refresh must not stand still for a host that is off, nor take a busy one for it. */
const READ_DIAL = { retries: 0, dialTimeoutMs: 10_000 };

/**
 * `pilab:kafka/nodeStorage:NodeStorage`. It looks at the disk first: a blank one is formatted; one that is as
 * wanted, or is the node's own in a cluster that lives, is adopted; any other is refused. A create formats for
 * the birth of the cluster, an update for a node that joins it again with another disk; the same disk is never
 * formatted twice. There is no delete: the data stays on the host.
 */
export class NodeStorageHandler implements ResourceHandler {
  constructor(
    private readonly open: OpenShell,
    private readonly cluster: Pick<ClusterAccess, "bootstrapServers" | "admin">,
  ) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkStorage(news) };
  }

  diff({ oldInputs, news, ignoreChanges }: DiffRequest): DiffResult {
    const refusal = refusedChange(oldInputs, news);
    if (refusal !== undefined) throw new Error(refusal);
    const detailedDiff = diffProperties(oldInputs, news, { inputDiff: true });
    // What the cluster was born with is read by a blank disk only.
    const atBirth = ["birthVoters", "birthControllers", "birthMetadataVersion"];
    for (const key of [...atBirth, ...ignoreChanges]) {
      delete detailedDiff[key];
    }
    return { detailedDiff };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    const storage = parseStorage(news);
    let { clusterId, directoryId } = storage;
    await this.onHost(news, context, async (shell) => {
      const disk = await look(shell, storage);
      const member = await this.livingMember(storage, disk);
      if (member !== undefined) {
        ({ clusterId, directoryId } = member);
        context.log.info(`${storage.host}: taken over as node ${storage.nodeId} of ${clusterId}`);
        return;
      }
      const plan = planStorage(storage, disk);
      switch (plan.kind) {
        case "adopt":
          context.log.status(`${storage.dataDir} is formatted already`);
          return;
        case "format":
          await this.assertBirth(storage, parseLogin(news["connection"]).host);
          context.log.status(`formatting ${storage.dataDir}`);
          await format(shell, storage, plan.leftovers, formatAtBirth(storage));
          return;
        case "refuse":
          throw refused(storage, plan.cause, plan.remedy);
        default:
          plan satisfies never;
      }
    });
    return { id: directoryId, outputs: { ...news, clusterId, directoryId } };
  }

  /**
   * The host answers elsewhere, or it has another machine: then a blank disk is formatted to join the
   * cluster. Nothing starts there yet; the rollout fences the former process first.
   */
  async update(request: UpdateRequest, context: CallContext): Promise<UpdateResult> {
    const { olds, news, preview } = request;
    if (preview) return { outputs: news };
    const former = parseStorage(olds);
    // The inputs propose a cluster id, for a birth; what the cluster has is in the state.
    const storage = { ...parseStorage(news), clusterId: former.clusterId };
    // A disk that went along to another machine is the node's own still, and keeps its id.
    const own = { ...storage, directoryId: former.directoryId };
    let { directoryId } = storage;
    await this.onHost(news, context, async (shell) => {
      if (own.directoryId !== directoryId) await ensureFolder(shell, storage);
      const disk = await look(shell, storage);
      if (planStorage(own, disk).kind === "adopt") {
        directoryId = own.directoryId;
        return;
      }
      const plan = planStorage(storage, disk);
      switch (plan.kind) {
        case "adopt":
          return;
        case "format":
          if (own.directoryId === directoryId) throw refused(storage, LOST_DISK, NEW_DISK);
          await this.assertNoVote(storage);
          context.log.status(`formatting ${storage.dataDir}, to join the cluster`);
          await format(shell, storage, plan.leftovers, joinCommand(storage));
          return;
        case "refuse":
          throw refused(storage, plan.cause, plan.remedy);
        default:
          plan satisfies never;
      }
    });
    return { outputs: { ...news, clusterId: former.clusterId, directoryId } };
  }

  async read({ id, outputs, inputs }: ReadRequest, context: CallContext): Promise<ReadResult> {
    const lastKnown = { id, outputs, inputs };
    if (Object.keys(outputs).length === 0) {
      throw new Error("a node's storage cannot be imported: `up` adopts a disk that is as wanted");
    }
    const storage = parseStorage(outputs);
    try {
      await this.onHost(
        outputs,
        context,
        async (shell) => {
          const plan = planStorage(storage, await look(shell, storage));
          if (plan.kind === "adopt") return;
          const seen = plan.kind === "format" ? "it is blank" : plan.cause;
          // Gone would mean that the next `up` formats it, and a voter forgets what it promised.
          context.log.warn(`${storage.host}: ${storage.dataDir}: ${seen}; kept as last known`);
        },
        READ_DIAL,
      );
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      context.log.warn(`storage is kept as last known: ${error.message}`);
    }
    return lastKnown;
  }

  /**
   * What the disk has, where it belongs to this node of the cluster that lives at the lab's addresses: a
   * stack that has lost its state, or never had one, takes it over as it runs.
   */
  private async livingMember(
    { nodeId }: Storage,
    disk: Disk,
  ): Promise<{ clusterId: string; directoryId: string } | undefined> {
    const found = parseMeta(disk.meta ?? "");
    const { clusterId, directoryId } = found;
    if (clusterId === undefined || directoryId === undefined || found.nodeId !== nodeId) {
      return undefined;
    }
    try {
      const admin = this.cluster.admin();
      const [living, brokers] = await Promise.all([admin.clusterId(), admin.listBrokers()]);
      if (living !== clusterId) return undefined;
      const isMember =
        brokers.some(({ id }) => id === nodeId) || (await this.follows({ nodeId, directoryId }));
      return isMember ? { clusterId, directoryId } : undefined;
    } catch (error) {
      // No cluster lives: the disk is judged by its ids alone.
      if (isUnreachable(error)) return undefined;
      throw error;
    }
  }

  /** Whether the quorum knows a node with this disk: a controller alone is not among the brokers, who tell of it. */
  private async follows(node: Omit<Identity, "clusterId">): Promise<boolean> {
    const { voters, observers } = await this.quorum();
    return [...voters, ...observers].some(
      ({ id, directoryId }) => id === node.nodeId && directoryId === node.directoryId,
    );
  }

  /** As brokers tell it, who pass the question on to the leader. */
  private quorum(): Promise<Quorum> {
    return this.cluster.admin().describeQuorum(this.cluster.bootstrapServers());
  }

  /** A disk formatted with the voters of the birth would be a second beginning of a cluster that lives. */
  private async assertBirth(storage: Storage, ownHost: string): Promise<void> {
    const others = [...this.cluster.bootstrapServers(), ...storage.birthControllers].filter(
      (server) => server.slice(0, server.lastIndexOf(":")) !== ownHost,
    );
    const answers = await Promise.all(others.map((server) => accepts(server, BIRTH_PROBE_MS)));
    const alive = others.filter((_, index) => answers[index]);
    if (alive.length === 0) return;
    throw refused(
      storage,
      `it is blank, and the cluster lives already: ${alive.join(", ")} answers`,
      "A new host's disk is formatted at the birth of a cluster only; this version cannot add a broker to " +
        "a running one. Mount the node's own disk, or take the host out again.",
    );
  }

  /**
   * The disk's id may be one that the node had before: an edit that was taken back wants it again. As long as it
   * votes, an empty disk under it would have forgotten what it promised.
   */
  private async assertNoVote(storage: Storage): Promise<void> {
    const { nodeId, directoryId } = storage;
    try {
      const { voters } = await this.quorum();
      if (!voters.some((one) => one.id === nodeId && one.directoryId === directoryId)) return;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      throw refused(
        storage,
        `it is blank, and nobody tells whether its directory id still votes (${error.message})`,
        "Bring the other nodes back first, then run `up` again.",
      );
    }
    throw refused(storage, `it is blank, though its directory id (${directoryId}) votes`, NEW_DISK);
  }

  private async onHost(
    properties: PropertyMap,
    { signal, log }: CallContext,
    work: (shell: HostShell) => Promise<void>,
    dial: { retries?: number; dialTimeoutMs?: number } = {},
  ): Promise<void> {
    const host = shown(properties["host"]);
    const status = (line: string): void => log.status(line);
    const shell = await this.open(parseLogin(properties["connection"]), {
      host,
      signal,
      status,
      ...dial,
    });
    try {
      await work(shell);
    } finally {
      shell.close();
    }
  }
}

const LOST_DISK = "it is blank, though this node was formatted before";
const NEW_DISK =
  "Mount the node's own disk there. If it is lost, raise `disk` of that host in the configuration: the " +
  "node then joins with a new one. A voter must not come back with an empty disk under its old id.";

function refused(storage: Storage, cause: string, remedy: string): Error {
  return new Error(`${storage.host}: ${storage.dataDir} is not used: ${cause}. ${remedy}`);
}
