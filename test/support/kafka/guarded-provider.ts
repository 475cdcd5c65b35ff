import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import type { Sasl } from "../../../provider/admin/port";
import { PATIENT } from "../../../provider/admin/port";
import type { SecurityAdmin } from "../../../provider/admin/security-port";
import { pilabProvider } from "../../../provider/provider";
import { ProviderDriver } from "../provider-driver";
import { everywhere } from "./guarded";
import { StartedKafkaCluster } from "./kafka-cluster";

const ROOT = { username: "root", password: "root-secret" };

/** A cluster that lets in who logs in alone and asks an authorizer, and the provider beside it. */
export class GuardedProvider {
  readonly login: Sasl = { mechanism: "PLAIN", ...ROOT };
  readonly servers: string;
  /** Does things by hand, behind the provider's back. */
  readonly security: SecurityAdmin;
  private readonly admin: PlatformaticAdmin;
  private readonly others: ProviderDriver[] = [];

  private constructor(
    private readonly cluster: StartedKafkaCluster,
    readonly driver: ProviderDriver,
  ) {
    this.servers = cluster.bootstrapServers;
    this.admin = new PlatformaticAdmin(this.servers.split(","), { ...PATIENT, sasl: this.login });
    this.security = this.admin.security;
  }

  static async start(): Promise<GuardedProvider> {
    const cluster = await StartedKafkaCluster.start({}, { superUser: ROOT });
    const sasl = JSON.stringify({ mechanism: "PLAIN", ...ROOT });
    const config = { bootstrapServers: cluster.bootstrapServers, sasl };
    return new GuardedProvider(cluster, await startDriver(config));
  }

  /** A plugin process of its own, which ends with `stopOthers`. */
  async another(config: Readonly<Record<string, string>> = {}): Promise<ProviderDriver> {
    const login = { bootstrapServers: this.servers, sasl: JSON.stringify(this.login) };
    const started = await startDriver({ ...login, ...config });
    this.others.push(started);
    return started;
  }

  async stopOthers(): Promise<void> {
    await Promise.all(this.others.splice(0).map((one) => one.stop()));
  }

  /** Each broker in turn, so that what it knows is what it reads from its log. */
  async restart(): Promise<void> {
    const ids = this.cluster.brokers.map(({ id }) => id);
    for (const id of ids) {
      await this.cluster.stopBroker(id);
      await this.cluster.awaitUnfenced(ids.filter((one) => one !== id));
      this.cluster.startBroker(id);
      await this.cluster.awaitUnfenced(ids);
    }
  }

  async createTopic(name: string): Promise<void> {
    await this.admin.createTopic({ name, partitions: 1, replicationFactor: 3, config: {} });
  }

  /** Waits until every broker gives this answer. */
  async shows(
    ask: (security: SecurityAdmin) => Promise<unknown>,
    expected: unknown,
  ): Promise<void> {
    await everywhere(this.servers, this.login, async (security) =>
      equal(await ask(security), expected),
    );
  }

  async stop(): Promise<void> {
    await this.driver.stop();
    await this.admin.close();
    await this.cluster.stop();
  }
}

/** A plugin that reaches Kafka alone: these resources have nothing to do with hosts. */
export const startDriver = (config: Readonly<Record<string, string>>): Promise<ProviderDriver> =>
  ProviderDriver.start(
    pilabProvider({
      connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
      openShell: () => Promise.reject(new Error("dialled a host")),
    }),
    config,
  );

function equal(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(
      value instanceof Map ? [...value].sort() : Object.entries(value as object).sort(),
    );
  const isObject = typeof a === "object" && a !== null;
  return isObject ? text(a) === text(b) : a === b;
}
