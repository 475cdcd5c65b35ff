import type { PropertyMap } from "../../plugins/common/rpc";
import { startServer } from "../../plugins/common/rpc";
import type { PilabPlugin } from "../../provider/provider";
import type { FakeEngine, LoggedMessage } from "./rpc/fake-engine";
import { startFakeEngine } from "./rpc/fake-engine";
import type { ProviderClient } from "./rpc/provider-client";
import { connectProvider } from "./rpc/provider-client";

interface State {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

/** The provider served over gRPC, with the engine's part played in the engine's order of calls. */
export class ProviderDriver {
  private constructor(
    private readonly plugin: PilabPlugin,
    private readonly engine: FakeEngine,
    private readonly server: { close(): void },
    readonly client: ProviderClient,
  ) {}

  static async start(plugin: PilabPlugin, config?: PropertyMap): Promise<ProviderDriver> {
    const engine = await startFakeEngine();
    const server = await startServer(plugin, { engineAddress: engine.address });
    const client = connectProvider(server.port);
    if (config !== undefined) await client.configure(config);
    return new ProviderDriver(plugin, engine, server, client);
  }

  get logs(): readonly LoggedMessage[] {
    return this.engine.logs;
  }

  resource(type: string, name: string): ResourceDriver {
    return new ResourceDriver(this.client, `urn:pulumi:test::pi-lab::${type}::${name}`);
  }

  async stop(): Promise<void> {
    this.client.close();
    this.server.close();
    this.engine.close();
    await this.plugin.close();
  }
}

/** One resource of a stack, with the state that the engine would keep of it. */
export class ResourceDriver {
  state: State | undefined;

  constructor(
    private readonly client: ProviderClient,
    readonly urn: string,
  ) {}

  /** Failures of the check as `property: reason`. */
  async check(news: PropertyMap): Promise<string[]> {
    const { failures } = await this.client.check(this.urn, this.state?.inputs ?? {}, news);
    return failures.map(({ property, reason }) => `${property}: ${reason}`);
  }

  /** The inputs as the check hands them on, with what it fills in: all that comes after it sees those alone. */
  async checked(program: PropertyMap): Promise<PropertyMap> {
    const olds = this.state?.inputs ?? {};
    const { inputs, failures } = await this.client.check(this.urn, olds, program);
    if (failures.length === 0) return inputs;
    throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  }

  /** The preview of a resource that is not there yet. */
  async preview(program: PropertyMap): Promise<PropertyMap> {
    const news = await this.checked(program);
    return (await this.client.create(this.urn, news, { preview: true })).outputs;
  }

  /** What a preview would show: paths with their kinds. */
  async diff(program: PropertyMap): Promise<Record<string, number>> {
    return this.diffOf(await this.checked(program));
  }

  /** One `up`: says what was done. `forced`: the last one failed halfway. */
  async up(
    program: PropertyMap,
    options: { forced?: boolean } = {},
  ): Promise<"created" | "updated" | "unchanged"> {
    const news = await this.checked(program);
    if (this.state === undefined) {
      const { id, outputs } = await this.client
        .create(this.urn, news)
        .catch((error: unknown) => this.keepPartial(error, news));
      this.state = { id, inputs: news, outputs };
      return "created";
    }
    const changes = Object.keys(await this.diffOf(news));
    if (changes.length === 0 && options.forced !== true) return "unchanged";
    const { id, inputs, outputs: olds } = this.state;
    const { outputs } = await this.client
      .update(this.urn, { id, oldInputs: inputs, olds, news })
      .catch((error: unknown) => this.keepPartial(error, inputs));
    this.state = { id, inputs: news, outputs };
    return "updated";
  }

  /**
   * What `refresh` brings; the state is forgotten if the resource is gone. Without a check the engine has what
   * was found compared with the inputs of before, to show it.
   */
  async refresh(): Promise<State | undefined> {
    const { inputs: news } = this.known();
    const found = await this.client.read(this.urn, this.known());
    this.state = found.id === "" ? undefined : found;
    if (this.state !== undefined) await this.diffOf(news);
    return this.state;
  }

  async import(id: string): Promise<State> {
    this.state = await this.client.read(this.urn, { id, inputs: {}, outputs: {} });
    return this.state;
  }

  async delete(): Promise<void> {
    const { id, outputs } = this.known();
    await this.client.delete(this.urn, id, outputs);
    this.state = undefined;
  }

  known(): State {
    if (this.state === undefined) throw new Error(`${this.urn} is not in the state`);
    return this.state;
  }

  private async diffOf(news: PropertyMap): Promise<Record<string, number>> {
    const { inputs, outputs } = this.known();
    const result = await this.client.diff(this.urn, { oldInputs: inputs, olds: outputs, news });
    return result.detailedDiff;
  }

  /** A partial failure leaves its outputs in the state, and is an error all the same. */
  private keepPartial(error: unknown, inputs: PropertyMap): never {
    try {
      const { id, outputs } = this.client.initFailure(error);
      this.state = { id, inputs, outputs };
    } catch {
      // A plain failure leaves the state as it was.
    }
    throw error;
  }
}
