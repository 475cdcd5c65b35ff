import type { CallContext, PropertyMap, ResourceHandler } from "../../../plugins/common/rpc";
import { InitFailedError, Secret } from "../../../plugins/common/rpc";
import { SshError } from "../../../plugins/common/ssh";
import { RolloutHandler } from "../../../provider/rollout/handler";
import type { OpenShell } from "../../../provider/ssh/port";
import { SwapGateHandler } from "../../../provider/swap-gate/handler";
import { SimCluster } from "./sim-cluster";
import { SimMachine, type SimWorld } from "./sim-machine";

/** Which machine each host is on: `broker-1`, `broker-2`, … */
export type Config = readonly string[];

interface State {
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
  /** The last update failed halfway: the engine does it again. */
  readonly isForced?: boolean;
}

/** Where a run is cut off: at the n-th thing that it does to the world, or at one by its name. */
export interface Cut {
  readonly at: number | string;
  readonly when: "before" | "after";
  /** `kill`: nothing happens any more, and no state is written. `lost`: one connection breaks. */
  readonly how: "kill" | "lost";
}

/** What Kafka's process is, as `process.roles` has it. */
export type SimRoles = "broker" | "controller" | "broker,controller";

class Killed extends Error {}

/** The key that the stack logs in with; it must be plain nowhere in a state. */
const PRIVATE_KEY = "the private key";

/**
 * A lab in memory, changed by the provider's own gate and rollout in the engine's
 * order: gate, files, storage, rollout, each saved as soon as it is done. Its time stands still but for sleeps.
 */
export class SimLab implements SimWorld {
  readonly machines: SimMachine[] = [];
  readonly cluster = new SimCluster(this.machines, this);
  /** Everything that was done to the world in the last run, in order. */
  steps: string[] = [];
  warnings: string[] = [];
  /** What must never be, whatever is cut off; an error would be taken for one of the run's. */
  readonly violations: string[] = [];
  /** Present name of a host to the one that it began with. */
  private readonly formerNames = new Map<string, string>();
  private readonly states = new Map<string, State>();
  private cut: Cut | undefined;
  private isDead = false;
  private timeMs = 0;
  private readonly openShell: OpenShell = async (login, { host }) => {
    await Promise.resolve();
    if (this.isDead) throw new Killed();
    this.timeMs += 10;
    const at = this.machines.filter(({ address }) => address === login.host);
    const machine = at.find(({ isOn }) => isOn) ?? at[0];
    if (machine === undefined)
      throw new SshError("unreachable", `${host}: nobody at ${login.host}`);
    return machine.open(login, host);
  };
  private readonly gate: ResourceHandler;
  private readonly rollout: ResourceHandler;

  /** @param roles of the nodes' processes, from the first on; where there is none: both */
  constructor(private readonly roles: readonly SimRoles[] = []) {
    const ports = { openShell: this.openShell, connectAdmin: this.cluster.connect };
    this.gate = new SwapGateHandler(ports);
    this.rollout = new RolloutHandler(ports);
  }

  now(): number {
    return this.timeMs;
  }

  sleep(ms: number): void {
    this.timeMs += ms;
  }

  step(what: string, when: "before" | "after"): void {
    if (this.isDead) throw new Killed();
    if (when === "before") {
      this.timeMs += 10;
      this.steps.push(what);
    }
    if (this.cut?.when !== when) return;
    if (this.cut.at !== this.steps.length && this.cut.at !== what) return;
    const { how } = this.cut;
    this.cut = undefined;
    if (how === "lost") throw new SshError("connection_lost", `${what}: connection lost`);
    this.isDead = true;
    throw new Killed();
  }

  /** A machine may boot with what it has; what the stack starts must be the only one. */
  started(machine: SimMachine): void {
    const twins = this.machines.filter((one) => one.process?.nodeId === machine.process?.nodeId);
    if (twins.length < 2) return;
    this.violations.push(`two processes of one node: ${twins.map(({ name }) => name).join(", ")}`);
  }

  add(name: string, address: string, hostKey = `key of ${name}`): SimMachine {
    const machine = new SimMachine(name, address, hostKey, this);
    this.machines.push(machine);
    return machine;
  }

  /** An edit: `host` is called `to` from now on, and says what it was called before. */
  rename(host: string, to: string): void {
    this.formerNames.set(to, host);
  }

  /** What the host of the n-th node is called. */
  private hostOf(index: number): string {
    const isBroker = this.rolesOf(index).startsWith("broker");
    const first = `${isBroker ? "broker" : "controller"}-${index + 1}`;
    return [...this.formerNames].find(([, former]) => former === first)?.[0] ?? first;
  }

  private rolesOf(index: number): SimRoles {
    return this.roles[index] ?? "broker,controller";
  }

  private get renamings(): PropertyMap {
    return Object.fromEntries([...this.formerNames].map(([to, from]) => [to, [from]]));
  }

  machine(name: string): SimMachine {
    const found = this.machines.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  }

  /** The machines on which Kafka runs. */
  get running(): string[] {
    return this.machines.flatMap(({ name, process }) => (process === undefined ? [] : [name]));
  }

  /** `pulumi up`. Says what was updated. @throws Error as `up` fails; nothing where it was killed */
  async up(config: Config, cut?: Cut): Promise<string[]> {
    this.steps = [];
    this.warnings = [];
    this.cut = cut;
    this.isDead = false;
    const updated: string[] = [];
    try {
      const hosts = this.gateInputs(config);
      await this.apply("gate", this.gate, hosts, updated);
      for (const name of config) this.stage(config, name);
      for (const name of config) this.format(name);
      await this.apply("rollout", this.rollout, this.rolloutInputs(config), updated);
    } catch (error) {
      // A killed plugin's last words reach nobody.
      if (!this.isDead) throw error;
    }
    const { at } = this.cut ?? {};
    if (typeof at === "string") throw new Error(`there was no step ${at} to be cut off at`);
    return updated;
  }

  /** `pulumi refresh` */
  async refresh(): Promise<void> {
    this.isDead = false;
    const { inputs, outputs } = this.known("rollout");
    const request = { ...this.target("rollout"), id: "rollout", inputs, outputs };
    const found = await this.rollout.read!(request, this.context());
    this.states.set("rollout", { inputs: found.inputs, outputs: found.outputs });
  }

  known(name: "gate" | "rollout"): State {
    const state = this.states.get(name);
    if (state === undefined) throw new Error(`${name} is not in the state`);
    return state;
  }

  /** What a preview shows of the rollout. */
  async preview(config: Config): Promise<string[]> {
    this.isDead = false;
    const { inputs: olds } = this.known("gate");
    const checked = await this.gate.check!(
      { ...this.target("gate"), olds, news: this.gateInputs(config) },
      this.context(),
    );
    const news = this.rolloutInputs(config, checked.inputs);
    return Object.keys(await this.diff("rollout", this.rollout, news));
  }

  private async apply(
    name: "gate" | "rollout",
    handler: ResourceHandler,
    given: PropertyMap,
    updated: string[],
  ): Promise<void> {
    const target = this.target(name);
    const context = this.context();
    const state = this.states.get(name);
    const olds = state?.inputs ?? {};
    const checked = await handler.check!({ ...target, olds, news: given }, context);
    if ((checked.failures ?? []).length > 0) throw new Error(JSON.stringify(checked.failures));
    const news = checked.inputs;
    if (state !== undefined && state.isForced !== true) {
      if (Object.keys(await this.diff(name, handler, news)).length === 0) {
        this.save(name, { inputs: news, outputs: state.outputs });
        return;
      }
    }
    updated.push(name);
    try {
      const request = { ...target, news, preview: false, timeoutSeconds: 0 };
      const { outputs } =
        state === undefined
          ? await handler.create(request, context)
          : await handler.update!(
              { ...request, id: name, oldInputs: olds, olds: state.outputs, ignoreChanges: [] },
              context,
            );
      if (this.isDead) throw new Killed();
      this.save(name, { inputs: news, outputs });
    } catch (error) {
      if (error instanceof InitFailedError && !this.isDead) {
        // The engine keeps the inputs of the last success.
        const { outputs } = error.state;
        this.save(name, { inputs: state?.inputs ?? news, outputs, isForced: true });
      }
      throw error;
    }
  }

  private save(name: string, state: State): void {
    if (JSON.stringify(state).includes(PRIVATE_KEY)) {
      this.violations.push(`the private key is plain in the state of ${name}`);
    }
    this.states.set(name, state);
  }

  private async diff(
    name: "gate" | "rollout",
    handler: ResourceHandler,
    news: PropertyMap,
  ): Promise<object> {
    const { inputs: oldInputs, outputs: olds } = this.known(name);
    const request = { ...this.target(name), id: name, oldInputs, olds, news, ignoreChanges: [] };
    return (await handler.diff!(request, this.context())).detailedDiff;
  }

  /** What the staging command does. */
  private stage(config: Config, name: string): void {
    const id = config.indexOf(name) + 1;
    this.machine(name).staged = {
      want: wanted(id, this.rolesOf(id - 1)),
      hash: `bundle of node ${id}`,
    };
  }

  /** What `NodeStorage` does: a blank disk is formatted to join, and held. */
  private format(name: string): void {
    const machine = this.machine(name);
    if (machine.disk !== undefined || !machine.isOn) return;
    this.step(`${name}: formatting`, "before");
    if (this.states.has("rollout")) machine.hold = "joins its cluster anew";
    machine.disk = directoryOf(name);
    if (!this.states.has("rollout")) {
      const { "node.id": id, "process.roles": roles } = machine.staged?.want.properties ?? {};
      if (roles?.includes("controller"))
        this.cluster.voters.push({ id: Number(id), directoryId: machine.disk });
    }
    this.step(`${name}: formatting`, "after");
  }

  private connection(name: string): PropertyMap {
    const { address, hostKey } = this.machine(name);
    const privateKey = new Secret(PRIVATE_KEY);
    return { host: address, port: 22, user: "root", hostKey, privateKey };
  }

  private gateInputs(config: Config): PropertyMap {
    const hosts = config.map((name, index): [string, PropertyMap] => {
      const { address, hostKey } = this.machine(name);
      const roles = this.rolesOf(index);
      const listeners = portsOf(roles).map((port) => `${address}:${port}`);
      const kafka = { nodeId: index + 1, broker: roles.startsWith("broker"), listeners };
      const connection = this.connection(name);
      return [this.hostOf(index), { machine: name, connection, disk: hostKey, made: false, kafka }];
    });
    const formerNames = this.renamings;
    return { hosts: Object.fromEntries(hosts), formerNames, dataDir: "/data" };
  }

  private rolloutInputs(config: Config, gate = this.known("gate").outputs): PropertyMap {
    const formers = gate["former"] as Record<string, PropertyMap> | undefined;
    const nodes = config.map((name, index): [string, PropertyMap] => {
      const host = this.hostOf(index);
      const node = {
        nodeId: index + 1,
        directoryId: directoryOf(name),
        address: `${this.machine(name).address}:${portsOf(this.rolesOf(index))[0]}`,
        connection: this.connection(name),
        want: wanted(index + 1, this.rolesOf(index)) as unknown as PropertyMap,
        staged: { hash: `bundle of node ${index + 1}`, time: "2026-01-01T00:00:00Z" },
        former: formers?.[host],
      };
      return [host, node];
    });
    return {
      service: "kafka",
      startTimeoutSeconds: 60,
      stopOnDelete: true,
      nodes: Object.fromEntries(nodes),
      formerNames: this.renamings,
    };
  }

  private target(name: string) {
    const type = name === "gate" ? "pilab:lab/swapGate:SwapGate" : "pilab:kafka/rollout:Rollout";
    return { urn: `urn:pulumi:test::pi-lab::${type}::${name}`, name, type };
  }

  private context(): CallContext {
    const silent = (): void => undefined;
    const warn = (message: string): number => this.warnings.push(message);
    const log = { debug: silent, info: silent, warn, error: silent, status: silent };
    return { signal: new AbortController().signal, log };
  }
}

/** Each machine's disk has an id of its own. */
export const directoryOf = (machine: string): string =>
  Buffer.from(machine.padEnd(16, "-")).toString("base64url");

/** The listeners' ports, the clients' first. */
const portsOf = (roles: SimRoles): number[] => [
  ...(roles.includes("broker") ? [9092] : []),
  ...(roles.includes("controller") ? [9093] : []),
];

const wanted = (nodeId: number, roles: SimRoles) => {
  const names = portsOf(roles).map((port) => (port === 9092 ? "PLAINTEXT" : "CONTROLLER"));
  const at = (host: string, name: string): string =>
    name === "PLAINTEXT" ? `${name}://:9092` : `${name}://${host}:9093`;
  return {
    properties: {
      "node.id": String(nodeId),
      "process.roles": roles,
      "controller.listener.names": "CONTROLLER",
      listeners: names.map((name) => at("", name)).join(","),
      "advertised.listeners": names.map((name) => at(`broker-${nodeId}`, name)).join(","),
    },
    files: {},
    version: "4.1.1",
  };
};
