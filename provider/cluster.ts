import type { PropertyMap } from "../plugins/common/rpc";
import type { ConnectAdmin, KafkaAdmin, Sasl } from "./admin/port";
import { PATIENT } from "./admin/port";
import { parseClusterSettings } from "./cluster-settings";

/** What the provider is configured with. */
export interface ClusterSettings {
  /** The brokers' client listeners, `host:port`. */
  readonly bootstrapServers: readonly string[];
  /** How to log in at them. Default: no login. */
  readonly sasl: Sasl | undefined;
  /** Whether previews ask the cluster what a change would do to its data. Default: true. */
  readonly liveChecks: boolean;
  /** Ids of the topics that may be destroyed with their records. Default: none. */
  readonly deletionConsents: ReadonlySet<string>;
  /** What one broker may copy a second, in and out, when replicas move, bytes. Default: 10 MiB. */
  readonly reassignmentThrottle: number;
}

/**
 * The cluster that the provider is configured for. Nothing is dialled, nor is the Kafka client
 * loaded, before a resource asks something of it.
 */
export class ClusterAccess {
  private known: ClusterSettings | undefined;
  private connected: KafkaAdmin | undefined;
  private changed = false;

  constructor(private readonly connect: ConnectAdmin) {}

  configure(config: PropertyMap): void {
    const { settings, failures } = parseClusterSettings(config);
    const [fault] = failures;
    if (fault !== undefined) throw new Error(`provider pilab: ${fault.property} ${fault.reason}`);
    this.known = settings;
  }

  settings(): ClusterSettings {
    if (this.known === undefined) {
      throw new Error(
        "the provider does not know its cluster yet: bootstrapServers has no value in this run. " +
          "Give the provider pilab a list that is known before the brokers are made.",
      );
    }
    return this.known;
  }

  /** The brokers' client listeners, `host:port`. */
  bootstrapServers(): readonly string[] {
    return this.settings().bootstrapServers;
  }

  /** Who the provider logs in as; undefined where it does not, or does not know yet. */
  login(): Sasl | undefined {
    return this.known?.sasl;
  }

  /** Whether this process has begun to change anything: what was seen before may be otherwise. */
  get mayDiffer(): boolean {
    return this.changed;
  }

  noteChange(): void {
    this.changed = true;
  }

  admin(): KafkaAdmin {
    this.connected ??= this.connectAs(this.bootstrapServers(), PATIENT);
    return this.connected;
  }

  /** Connects to servers of the cluster with the login that they want. */
  readonly connectAs: ConnectAdmin = (servers, options) =>
    this.connect(servers, { ...options, sasl: this.known?.sasl });

  async close(): Promise<void> {
    await this.connected?.close();
    this.connected = undefined;
  }
}
