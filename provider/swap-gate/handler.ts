import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  PropertyValue,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { diffProperties, isMap, reveal, Unknown } from "../../plugins/common/rpc";
import { isSilence, SshError } from "../../plugins/common/ssh";
import type { ConnectAdmin } from "../admin/port";
import { asking, BRISK, KafkaError } from "../admin/port";
import {
  checkFormerNames,
  renamingDiff,
  withoutFormerNames,
  withPresentNames,
} from "../former-names";
import { parseMeta } from "../node-storage/plan";
import { stillAnswering } from "../rollout/fence";
import type { HostShell, OpenShell } from "../ssh/port";
import { parseLogin, quote } from "../ssh/port";
import { leftProperties, parseLeft } from "../left-machines/plan";
import { formerMachines, formerProperties, parseFormers } from "./former";
import { leftMachines, tenantOf } from "./left";
import type { Answer, GateHost, LiveCluster, NewDisk, Swap, SwapFacts } from "./plan";
import { isController, plannedSwaps, readdressed, swapRefusals, swapSteps } from "./plan";
import { renamedHosts, renamedMachines } from "./renamed";

/** A preview must not stand still for a machine that is off. */
const SHORT_DIAL = { retries: 0, dialTimeoutMs: 3_000 };
/** A machine that ought to be on may be busy. */
const PATIENT_DIAL = { retries: 1, dialTimeoutMs: 10_000 };

export interface SwapGatePorts {
  readonly openShell: OpenShell;
  readonly connectAdmin: ConnectAdmin;
}

/**
 * `pilab:lab/swapGate:SwapGate`. Everything else waits for it: it knows every host's machine, sees which
 * one is another than before, asks the live cluster whether it can do without that node, and refuses
 * before anything is touched. What it lets pass it writes down as the steps of the swap, for a preview to
 * show, and with it the machines that each node was on, and each host: its state is saved before any other's, so that
 * none is forgotten whatever is cut off later. It changes nothing anywhere.
 */
export class SwapGateHandler implements ResourceHandler {
  constructor(private readonly ports: SwapGatePorts) {}

  /** Runs in previews and again in the `up`. Without a swap nobody is asked. */
  async check({ olds, news }: CheckRequest, context: CallContext): Promise<CheckResult> {
    const failures = checkFormerNames(news);
    if (failures.length > 0) return { inputs: news, failures };
    const known = underPresentNames(olds, news);
    const before = parseHosts(known["hosts"]);
    const after = parseHosts(news["hosts"]);
    const renamed = [...renamedHosts(before, after), ...renamedMachines(olds, news)];
    if (renamed.length > 0) throw new Error(["nothing was changed:", ...renamed].join("\n  "));
    assertReachableMajority(before, after);
    const swaps = plannedSwaps(before, after);
    const former = formerMachines(parseFormers(known["former"]), before, after);
    const left = leftMachines(parseLeft(known["left"]), before, after);
    const inputs = { ...news, former: formerProperties(former), left: leftProperties(left) };
    const last = olds["swaps"];
    if (swaps.length === 0)
      return { inputs: last === undefined ? inputs : { ...inputs, swaps: last } };
    return { inputs: { ...inputs, swaps: await this.plan(swaps, before, after, news, context) } };
  }

  diff({ oldInputs, news, ignoreChanges }: DiffRequest): DiffResult {
    const [before, after] = [underPresentNames(oldInputs, news), news].map(withoutFormerNames) as [
      PropertyMap,
      PropertyMap,
    ];
    const detailedDiff = diffProperties(before, after, { inputDiff: true });
    for (const key of ignoreChanges) delete detailedDiff[key];
    return { detailedDiff: { ...detailedDiff, ...renamingDiff(oldInputs, "hosts", news) } };
  }

  create({ name, news, preview }: CreateRequest): CreateResult {
    return { id: preview ? "" : name, outputs: news };
  }

  update({ news }: UpdateRequest): UpdateResult {
    return { outputs: news };
  }

  /** @throws Error with every reason against the swaps */
  private async plan(
    swaps: readonly Swap[],
    before: readonly GateHost[],
    after: readonly GateHost[],
    news: PropertyMap,
    context: CallContext,
  ): Promise<PropertyMap> {
    const moving = swaps.some((swap) => swap.after.kafka !== undefined);
    const [live, ...found] = await Promise.all([
      moving ? this.cluster(swaps, before, after, news, context) : UNBORN,
      ...swaps.map((swap) => this.factsOf(swap, news, context)),
    ]);
    const facts = new Map(swaps.map((swap, index) => [swap.after.host, found[index]!]));
    const refusals = swapRefusals(swaps, after, facts, live);
    if (refusals.length > 0) {
      throw new Error(["nothing was changed:", ...refusals].join("\n  "));
    }
    return Object.fromEntries(
      swaps.map((swap) => {
        const { host } = swap.after;
        const { login } = swap.before;
        const tenant = login === undefined ? undefined : tenantOf(login, after);
        return [host, [...swapSteps(swap, facts.get(host)!, live, tenant)]];
      }),
    );
  }

  private async factsOf(swap: Swap, news: PropertyMap, context: CallContext): Promise<SwapFacts> {
    const [serving, disk] = await Promise.all([
      this.answering(swap.before.kafka?.listeners ?? []),
      this.newDisk(swap.after, news, context),
    ]);
    const patience = serving.length > 0 ? PATIENT_DIAL : SHORT_DIAL;
    return { former: await this.formerMachine(swap, patience, context), disk, serving };
  }

  private async formerMachine(
    { before }: Swap,
    patience: typeof PATIENT_DIAL,
    context: CallContext,
  ): Promise<Answer> {
    if (before.login === undefined) return "silent";
    try {
      const { login, host } = before;
      const shell = await this.ports.openShell(login, { host, ...patience, ...dial(context) });
      shell.close();
      return "answers";
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      if (error.code === "host_key_mismatch") return "other";
      if (isSilence(error)) return "silent";
      return { error: error.message };
    }
  }

  private async newDisk(
    { host, login, made, kafka }: GateHost,
    news: PropertyMap,
    context: CallContext,
  ): Promise<NewDisk> {
    if (login === undefined) return { kind: "not made" };
    let shell: HostShell;
    try {
      shell = await this.ports.openShell(login, { host, ...PATIENT_DIAL, ...dial(context) });
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      if (isSilence(error)) return { kind: made ? "not made" : "silent" };
      return { kind: "error", message: error.message };
    }
    try {
      if (kafka === undefined) return { kind: "without Kafka" };
      const identity = await metaOn(shell, news);
      return identity === undefined ? { kind: "blank" } : { kind: "formatted", identity };
    } finally {
      shell.close();
    }
  }

  /** The cluster as those tell who stay; the leader may be on a machine that is about to be left. */
  private async cluster(
    swaps: readonly Swap[],
    before: readonly GateHost[],
    after: readonly GateHost[],
    news: PropertyMap,
    context: CallContext,
  ): Promise<LiveCluster> {
    const leaving = new Set(swaps.map((swap) => swap.after.host));
    const stay = before.filter((one) => !leaving.has(one.host) && one.kafka !== undefined);
    const brokers = stay.flatMap(({ kafka }) => (kafka?.broker ? kafka.listeners.slice(0, 1) : []));
    const controllers = before.flatMap(({ kafka }) =>
      kafka === undefined ? [] : kafka.listeners.slice(kafka.broker ? 1 : 0),
    );
    if (brokers.length === 0) return { kind: "unreachable", why: "no other broker is left" };
    const admin = this.ports.connectAdmin(brokers, BRISK);
    try {
      const [clusterId, registered, topics, quorum] = await Promise.all([
        admin.clusterId(),
        admin.listBrokers(),
        admin.listPartitions(),
        // Brokers pass the question on: the leader may be on a machine that an edit left which was cut off.
        admin.describeQuorum([...controllers, ...brokers]),
      ]);
      return { kind: "view", clusterId, view: { brokers: registered, topics, quorum } };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const staying = after.filter((one) => stay.some(({ host }) => host === one.host));
      const formatted = await Promise.all(staying.map((one) => this.newDisk(one, news, context)));
      if (formatted.length > 0 && formatted.every(({ kind }) => kind === "blank")) return UNBORN;
      return { kind: "unreachable", why: error.message };
    } finally {
      await admin.close();
    }
  }

  private async answering(listeners: readonly string[]): Promise<string[]> {
    if (listeners.length === 0) return [];
    return asking(this.ports.connectAdmin(listeners, BRISK), (admin) =>
      stillAnswering(listeners, admin),
    );
  }
}

/** The state's hosts, and what it remembers of their machines, by the names that they have now. */
const underPresentNames = (olds: PropertyMap, news: PropertyMap): PropertyMap =>
  ["hosts", "former", "left"].reduce((map, key) => withPresentNames(map, key, news, "hosts"), olds);

const UNBORN: LiveCluster = { kind: "unborn" };

const dial = ({ signal, log }: CallContext) => ({
  signal,
  status: (line: string) => log.status(line),
});

/** Undefined where there is no meta.properties. */
async function metaOn(shell: HostShell, news: PropertyMap) {
  const dataDir = reveal(news["dataDir"]) as string;
  const meta = quote(`${dataDir}/meta.properties`);
  const { stdout } = await shell.run(`test ! -e ${meta} || cat ${meta}`, {
    label: `reading ${dataDir}/meta.properties`,
  });
  return stdout.trim() === "" ? undefined : parseMeta(stdout);
}

/**
 * Running controllers know each other by names that they look up anew; of those that answer elsewhere all
 * of a sudden a majority must not be: nobody would be left who knows where they are.
 */
function assertReachableMajority(before: readonly GateHost[], after: readonly GateHost[]): void {
  const moved = readdressed(before, after);
  const nodes = after.filter(({ kafka }) => kafka !== undefined && isController(kafka)).length;
  if (moved.length <= 1 || moved.length <= (nodes - 1) / 2) return;
  throw new Error(
    `nothing was changed:\n  ${moved.join(", ")}: their addresses change at once, which would leave no ` +
      "majority of the cluster's controllers at a known address. Change one, run `pulumi up`, then change the next.",
  );
}

function parseHosts(value: PropertyValue | undefined): GateHost[] {
  const hosts = reveal(value);
  if (!isMap(hosts)) return [];
  return Object.entries(hosts)
    .map(([host, one]) => parseHost(host, isMap(one) ? one : {}))
    .sort((a, b) => (a.host < b.host ? -1 : 1));
}

function parseHost(host: string, map: PropertyMap): GateHost {
  const { connection, disk, kafka } = map;
  const known =
    isMap(connection) && !Object.values(connection).some((one) => one instanceof Unknown);
  return {
    host,
    machine: map["machine"] as string,
    made: map["made"] === true,
    login: known ? parseLogin(connection) : undefined,
    disk: typeof disk === "string" ? disk : undefined,
    kafka: isMap(kafka)
      ? {
          nodeId: kafka["nodeId"] as number,
          broker: kafka["broker"] === true,
          listeners: kafka["listeners"] as string[],
        }
      : undefined,
  };
}
