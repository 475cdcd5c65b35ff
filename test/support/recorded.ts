import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings";
import { type AliasSpec, registered, type Registered } from "./urns";

/** One resource that a program registered, with what the engine would get of it. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** Names of the inputs that hold a secret. */
  readonly secrets: string[];
  /** `type name` of the component that it lies in; "" at the top. */
  readonly parent: string;
  /** `type name` of what must be done before it, its inputs' origins included; sorted. */
  readonly dependsOn: string[];
  /** `type name` of what takes it along when it is deleted. */
  readonly deletedWith: string;
  readonly ignoreChanges: string[];
  readonly deleteBeforeReplace: boolean;
  /** `type::name` with the parents' types before it. */
  readonly urn: string;
  /** The same under every name that it had before. */
  readonly formerUrns: readonly string[];
}

/** The part of the engine's request that mocks do not hand on. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getDeletebeforereplace(): boolean;
  getAliasesList(): readonly {
    getSpec():
      | { getType(): string; getName(): string; getParenturn(): string; getNoparent(): boolean }
      | undefined;
  }[];
}

type Options = Omit<RecordedResource, "inputs" | "secrets">;

/** `urn:pulumi:stack::project::parent$type::name` as `type name`. */
function typeAndName(urn: string): string {
  const [, , qualified, name] = urn.split("::");
  return urn === "" ? "" : `${qualified?.split("$").pop() ?? ""} ${name ?? ""}`;
}

/** The mark of a secret on the wire; mocks get it around the whole input that a secret lies in. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

interface MarkedSecret {
  readonly value: unknown;
}

function isSecret(value: unknown): value is MarkedSecret {
  return typeof value === "object" && value !== null && SECRET_MARK in value;
}

/** Pulumi's own mock monitor, which also tells the resource options. */
class RecordingMonitor extends MockMonitor {
  public readonly options: Options[] = [];
  /** By the mocks' own URNs, which forget all parents but the nearest; users' states do not. */
  private readonly known = new Map<string, Registered>();

  override async registerResource(
    req: RegisterRequest,
    callback: (error: unknown, response: unknown) => void,
  ): Promise<void> {
    const made = this.registeredAs(req);
    this.options.push({
      type: req.getType(),
      name: req.getName(),
      parent: typeAndName(req.getParent()),
      dependsOn: req.getDependenciesList().map(typeAndName).sort(),
      deletedWith: typeAndName(req.getDeletedwith()),
      ignoreChanges: req.getIgnorechangesList(),
      deleteBeforeReplace: req.getDeletebeforereplace(),
      urn: made.urn,
      formerUrns: made.formerUrns,
    });
    await super.registerResource(req, (error: unknown, response: unknown) => {
      if (hasUrn(response)) this.known.set(response.getUrn(), made);
      callback(error, response);
    });
  }

  private registeredAs(req: RegisterRequest): Registered {
    const [type, name, parent] = [req.getType(), req.getName(), req.getParent()];
    const aliases = req.getAliasesList().map((alias): AliasSpec => {
      const spec = alias.getSpec();
      if (spec === undefined) throw new Error(`${name}: give its alias a name, type or parent`);
      const former = spec.getParenturn();
      return {
        type: spec.getType(),
        name: spec.getName(),
        parent: former === parent ? undefined : this.known.get(former),
        noParent: spec.getNoparent(),
      };
    });
    return registered(type, name, this.known.get(parent), aliases);
  }
}

const hasUrn = (response: unknown): response is { getUrn(): string } =>
  typeof response === "object" && response !== null && "getUrn" in response;

/** A value of the wire with the marks around its secrets taken off. */
export function plainValues(value: Record<string, unknown>): Record<string, unknown> {
  const plain = (one: unknown): unknown => {
    if (isSecret(one)) return plain(one.value);
    if (Array.isArray(one)) return one.map(plain);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, below]) => [key, plain(below)]));
  };
  return plain(value) as Record<string, unknown>;
}

type Answer = (args: pulumi.runtime.MockResourceArgs) => Record<string, unknown>;

/** A random value's mock: different for each name, the same at each run. */
function bytesOf(name: string, length: number): string {
  const text = Buffer.from(name.padEnd(length, ".")).subarray(0, length);
  return text.toString("base64");
}

/** The types that the stack may register. An unknown one throws: a typo must not pass as a resource. */
const answers: Record<string, Answer> = {
  "pulumi:pulumi:Stack": () => ({}),
  "pulumi:providers:pilab": () => ({}),
  "docker:index/network:Network": () => ({}),
  "docker:index/volume:Volume": () => ({}),
  "docker:index/container:Container": () => ({}),
  "random:index/randomBytes:RandomBytes": ({ name, inputs }) => ({
    base64: bytesOf(name, (inputs as { length: number }).length),
  }),
  "random:index/randomPassword:RandomPassword": ({ name, inputs }) => ({
    result: name.replaceAll("-", "0").padEnd((inputs as { length: number }).length, "x"),
  }),
  "command:remote:Command": ({ inputs }) => ({
    stdout: (inputs as { create: string }).create.includes("/stage ")
      ? '{"hash":"0f","time":"2026-01-01T00:00:00Z"}'
      : "",
    stderr: "",
  }),
  "command:remote:CopyToRemote": () => ({}),
  "pilab:lab/swapGate:SwapGate": () => ({ former: {}, left: {} }),
  "pilab:lab/leftMachines:LeftMachines": () => ({}),
  "pilab:kafka/nodeStorage:NodeStorage": () => ({}),
  "pilab:kafka/rollout:Rollout": () => ({}),
  "pilab:kafka/clusterConfig:ClusterConfig": () => ({}),
  "pilab:lab/hostState:HostState": () => ({ generations: {} }),
  "pilab:lab/preflight:Preflight": () => ({}),
  "pilab:lab/packages:Packages": () => ({}),
  "pilab:kafka/metadataVersion:MetadataVersion": () => ({}),
  "pilab:kafka/topicSet:TopicSet": () => ({}),
  "pilab:kafka/user:User": () => ({}),
  "pilab:kafka/acls:Acls": () => ({}),
  "pilab:kafka/quota:Quota": () => ({}),
  "pilab:kafka/topic:Topic": ({ name }) => ({ topicId: `id-of-${name}` }),
};

const components = [
  "pilab:lab:Switch",
  "pilab:lab:PiHost",
  "pilab:lab:HostServices",
  "pilab:mqtt:Secrets",
  "pilab:store:Secrets",
  "pilab:dashboards:Secrets",
  "pilab:virtual:Pi",
  "pilab:kafka:Broker",
  "pilab:kafka:Controller",
  "pilab:kafka:Client",
  "pilab:kafka:Cluster",
  "pilab:kafka:Access",
  "pilab:kafka:ReplicatedTopic",
];

/** Everything that a program registers under Pulumi's mocks. */
export class RecordedProgram {
  private constructor(public readonly resources: readonly RecordedResource[]) {}

  /**
   * Runs `program` under mocks and waits until all of it is registered.
   *
   * @param others outputs of single resources, by `type name`, over those of their type
   * @throws Error at a resource type that the stack has no business with
   */
  static async of(
    program: () => void,
    others: Readonly<Record<string, Record<string, unknown>>> = {},
  ): Promise<RecordedProgram> {
    const inputs = new Map<string, Record<string, unknown>>();
    const mocks: pulumi.runtime.Mocks = {
      newResource: (args) => {
        const { type, name } = args;
        const answer = answers[type];
        if (answer === undefined && !components.includes(type)) {
          throw new Error(`unknown resource type ${type} (${name})`);
        }
        inputs.set(`${type} ${name}`, args.inputs as Record<string, unknown>);
        const state = {
          ...(args.inputs as object),
          ...(answer?.(args) ?? {}),
          ...others[`${type} ${name}`],
        };
        return { id: `${name}-id`, state };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call of ${token}: the stack invokes nothing`);
      },
    };
    await pulumi.runtime.setMocks(mocks, "pi-lab", "test", false);
    const monitor = new RecordingMonitor(mocks);
    setMockOptions(monitor, "pi-lab", "test", false);
    await pulumi.runtime.runInPulumiStack(() => {
      program();
      return Promise.resolve({});
    });
    await pulumi.runtime.disconnect();
    return new RecordedProgram(
      monitor.options.map((options) => {
        const wire = Object.entries(inputs.get(`${options.type} ${options.name}`) ?? {});
        return {
          ...options,
          inputs: Object.fromEntries(wire.map(([k, v]) => [k, isSecret(v) ? v.value : v])),
          secrets: wire.filter(([, v]) => isSecret(v)).map(([k]) => k),
        };
      }),
    );
  }

  /** Names of all resources of a type, in alphabetical order. */
  names(type: string): string[] {
    return this.resources
      .filter((resource) => resource.type === type)
      .map((resource) => resource.name)
      .sort();
  }

  /** The one resource with this type and name. */
  get(type: string, name: string): RecordedResource {
    const found = this.resources.filter((r) => r.type === type && r.name === name);
    const [one] = found;
    if (one === undefined || found.length > 1) {
      const known = this.resources.map((r) => `${r.type} ${r.name}`).join("\n  ");
      throw new Error(`${found.length} resources ${type} ${name}; registered are\n  ${known}`);
    }
    return one;
  }
}
