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
import { diffProperties, reveal } from "../../plugins/common/rpc";
import { SshError } from "../../plugins/common/ssh";
import { isUnreachable } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { accepts } from "../reachable";
import type { HostShell, OpenShell } from "../ssh/port";
import { parseLogin, quote } from "../ssh/port";
import {
  checkStorage,
  parseMeta,
  planStorage,
  refusedChange,
  shown,
  type Disk,
  type Identity,
} from "./plan";

/** A JVM's start on a Pi takes seconds; a minute is more than a slow card needs. */
const FORMAT_TIMEOUT_MS = 120_000;

/** A listener in the same network answers or refuses in milliseconds; a host that is off does neither. */
const BIRTH_PROBE_MS = 1_000;
/** Status of a format that found the disk formatted meanwhile. */
const FORMATTED_MEANWHILE = 75;

/** A refresh must not stand still for a host that is off, nor take a busy one for it. */
const READ_DIAL = { retries: 0, dialTimeoutMs: 10_000 };

/** What the handler needs of the inputs, as plain values. */
interface Storage extends Identity {
  readonly host: string;
  readonly birthVoters: string;
  readonly birthMetadataVersion: string | undefined;
  readonly configFile: string;
  readonly dataDir: string;
  readonly kafkaHome: string;
  readonly serviceUser: string;
}

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
    for (const key of ["birthVoters", "birthMetadataVersion", ...ignoreChanges]) {
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
          await format(shell, storage, plan.leftovers, birthCommand(storage));
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
      const isMember = living === clusterId && brokers.some(({ id }) => id === nodeId);
      return isMember ? { clusterId, directoryId } : undefined;
    } catch (error) {
      // No cluster lives: the disk is judged by its ids alone.
      if (isUnreachable(error)) return undefined;
      throw error;
    }
  }

  /** A disk formatted with the voters of the birth would be a second beginning of a cluster that lives. */
  private async assertBirth(storage: Storage, ownHost: string): Promise<void> {
    const others = this.cluster
      .bootstrapServers()
      .filter((server) => server.slice(0, server.lastIndexOf(":")) !== ownHost);
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

function parseStorage(properties: PropertyMap): Storage {
  const text = (key: string): string => {
    const value = reveal(properties[key]);
    if (typeof value !== "string" || value === "") throw new Error(`${key}: is missing`);
    return value;
  };
  return {
    host: text("host"),
    nodeId: Number(reveal(properties["nodeId"])),
    clusterId: text("clusterId"),
    directoryId: text("directoryId"),
    birthVoters: text("birthVoters"),
    birthMetadataVersion:
      reveal(properties["birthMetadataVersion"]) === undefined
        ? undefined
        : text("birthMetadataVersion"),
    configFile: text("configFile"),
    dataDir: text("dataDir"),
    kafkaHome: text("kafkaHome"),
    serviceUser: text("serviceUser"),
  };
}

/** Separates the listing from meta.properties; no line of either is like it. */
const END_OF_LISTING = "-- meta.properties --";

async function look(shell: HostShell, { host, dataDir }: Storage): Promise<Disk> {
  const dir = quote(dataDir);
  const result = await shell.run(
    `test -d ${dir} || exit 3; find ${dir} -mindepth 1 -maxdepth 2 -printf '%P\\n' && ` +
      `echo '${END_OF_LISTING}' && if test -e ${dir}/meta.properties; then cat ${dir}/meta.properties; else exit 4; fi`,
    { label: `looking into ${dataDir}` },
  );
  if (result.code === 3) {
    throw new Error(
      `${host}: ${dataDir} does not exist. Is its disk mounted? Then run \`up\` again.`,
    );
  }
  const [listing, meta] = result.stdout.split(`${END_OF_LISTING}\n`);
  if (listing === undefined || meta === undefined || (result.code !== 0 && result.code !== 4)) {
    throw new Error(`${host}: looking into ${dataDir} failed: ${result.stderr.trim()}`);
  }
  return {
    meta: result.code === 4 ? undefined : meta,
    entries: listing.split("\n").filter((line) => line !== ""),
  };
}

/** A disk that was mounted since the host was prepared has no folder for the data yet. */
async function ensureFolder(shell: HostShell, storage: Storage): Promise<void> {
  const { host, dataDir } = storage;
  const made = await shell.run(`test -e ${quote(dataDir)} || ${makeFolder(storage)}`, {
    label: `making ${dataDir}`,
  });
  if (made.code === 0) return;
  throw new Error(
    `${host}: ${dataDir} cannot be made: ${made.stderr.trim()}. Is its disk mounted, and writable? ` +
      "Then run `up` again.",
  );
}

const makeFolder = ({ dataDir, serviceUser }: Storage): string =>
  `install -d -m 0750 -o ${quote(serviceUser)} -g ${quote(serviceUser)} ${quote(dataDir)}`;

const LOST_DISK = "it is blank, though this node was formatted before";
const NEW_DISK =
  "Mount the node's own disk there. If it is lost, raise `disk` of that host in the configuration: the " +
  "node then joins with a new one. A voter must not come back with an empty disk under its old id.";

/** The command line of Kafka's format, for a shell. Values as `--flag=value`: an id may begin with a hyphen. */
function formatCommand(storage: Storage, config: string, ...flags: string[]): string {
  const java = [
    "java",
    "-Xmx128m",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    // Quoted below: the JVM expands it, and no shell may.
    `${storage.kafkaHome}/libs/*`,
    "kafka.tools.StorageTool",
    "format",
    `--cluster-id=${storage.clusterId}`,
    `--config=${config}`,
    ...flags,
  ];
  return `runuser -u ${quote(storage.serviceUser)} -- ${java.map(quote).join(" ")}`;
}

/** For a first voter: the string of the voters gives it its directory id. */
function birthCommand(storage: Storage): string {
  const { configFile, birthVoters, birthMetadataVersion } = storage;
  const voters = `--initial-controllers=${birthVoters}`;
  const release =
    birthMetadataVersion === undefined ? [] : [`--release-version=${birthMetadataVersion}`];
  return formatCommand(storage, configFile, voters, ...release);
}

/**
 * For a node that joins: Kafka's format takes no directory id then and makes one of its own. So it formats a
 * folder beside the data, and meta.properties goes to the disk last and whole, with the id that is wanted.
 * Kafka does not start here before the rollout lifts the hold, whatever reboots meanwhile.
 */
function joinCommand(storage: Storage): string {
  const { host, dataDir, configFile, directoryId, serviceUser } = storage;
  const data = quote(dataDir);
  const scratch = quote(`${dataDir}.pi-lab-format`);
  const config = quote(`${dataDir}.pi-lab-format/server.properties`);
  const hold = quote(
    `${host} joins its cluster anew; pi-lab holds Kafka until the former node is out.`,
  );
  const user = quote(serviceUser);
  return [
    `printf '%s\\n' ${hold} >/etc/kafka/hold`,
    // Where a disk is mounted right there, its folder is root's.
    makeFolder(storage),
    `rm -rf ${scratch}`,
    `install -d -o ${user} -g ${user} ${scratch} ${scratch}/data`,
    `sed ${quote(`s|^log\\.dirs=.*|log.dirs=${dataDir}.pi-lab-format/data|`)} ${quote(configFile)} >${config}`,
    formatCommand(
      storage,
      `${dataDir}.pi-lab-format/server.properties`,
      "--no-initial-controllers",
    ),
    `sed -i ${quote(`s|^directory\\.id=.*|directory.id=${directoryId}|`)} ${scratch}/data/meta.properties`,
    `chown ${user}:${user} ${scratch}/data/meta.properties`,
    `mv ${scratch}/data/meta.properties ${scratch}/meta.properties`,
    `find ${scratch}/data -mindepth 1 -maxdepth 1 -exec mv -t ${data} {} +`,
    `mv ${scratch}/meta.properties ${data}/meta.properties.pi-lab-new`,
    `sync ${data}/meta.properties.pi-lab-new`,
    `mv ${data}/meta.properties.pi-lab-new ${data}/meta.properties`,
    `rm -rf ${scratch}`,
  ].join(" && ");
}

/** Formats a blank disk, and looks whether it is as wanted afterwards. */
async function format(
  shell: HostShell,
  storage: Storage,
  leftovers: readonly string[],
  command: string,
): Promise<void> {
  const { host, dataDir } = storage;
  const remove = leftovers.map((entry) => quote(`${dataDir}/${entry}`)).join(" ");
  const clear = remove === "" ? "" : `rm -rf -- ${remove} && `;
  const meta = quote(`${dataDir}/meta.properties`);
  // One step under a lock: another run may have formatted the disk since the look.
  const locked = `if test -e ${meta}; then exit ${FORMATTED_MEANWHILE}; fi; ${clear}cd / && ${command}`;
  const result = await shell.run(`flock -w 60 ${quote(dataDir)} sh -c ${quote(locked)}`, {
    timeoutMs: FORMAT_TIMEOUT_MS,
    label: `formatting ${dataDir}`,
  });
  if (result.code !== 0 && result.code !== FORMATTED_MEANWHILE) {
    const said = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-5).join("\n  ");
    throw new Error(
      `${host}: formatting ${dataDir} failed with status ${result.code}:\n  ${said}\n` +
        "Mend what it names (a full disk? a wrong setting?), then run `up` again.",
    );
  }
  const plan = planStorage(storage, await look(shell, storage));
  if (plan.kind !== "adopt") {
    const cause = plan.kind === "refuse" ? plan.cause : "meta.properties is missing";
    throw new Error(`${host}: formatting ${dataDir} ended, but ${cause}. Report this as a bug.`);
  }
}

function refused(storage: Storage, cause: string, remedy: string): Error {
  return new Error(`${storage.host}: ${storage.dataDir} is not used: ${cause}. ${remedy}`);
}
