import type { CheckRequest, CheckResult, PropertyMap } from "../plugins/common/rpc";
import { reveal } from "../plugins/common/rpc";
import type { ConnectAdmin, KafkaAdmin } from "./admin/port";
import { PATIENT } from "./admin/port";

/**
 * The cluster that the provider is configured for. Nothing is dialled, nor is the Kafka client
 * loaded, before a resource asks something of it.
 */
export class ClusterAccess {
  private servers: readonly string[] | undefined;
  private connected: KafkaAdmin | undefined;

  constructor(private readonly connect: ConnectAdmin) {}

  configure(config: PropertyMap): void {
    const { servers, fault } = parseServers(reveal(config["bootstrapServers"]));
    if (fault !== undefined) throw new Error(`provider pilab: bootstrapServers ${fault}`);
    this.servers = servers;
  }

  /** The brokers' client listeners, `host:port`. */
  bootstrapServers(): readonly string[] {
    if (this.servers === undefined) {
      throw new Error(
        "the provider does not know its cluster yet: bootstrapServers has no value in this run. " +
          "Give the provider pilab a list that is known before the brokers are made.",
      );
    }
    return this.servers;
  }

  admin(): KafkaAdmin {
    this.connected ??= this.connect(this.bootstrapServers(), PATIENT);
    return this.connected;
  }

  async close(): Promise<void> {
    await this.connected?.close();
    this.connected = undefined;
  }
}

/** Checks the provider's own configuration. */
export function checkProviderConfig(request: CheckRequest): CheckResult {
  const value = reveal(request.news["bootstrapServers"]);
  const known = value === undefined || value === null || typeof value === "string";
  const fault = known ? parseServers(value).fault : undefined;
  return {
    inputs: request.news,
    failures: fault === undefined ? [] : [{ property: "bootstrapServers", reason: fault }],
  };
}

function parseServers(value: unknown): { servers: readonly string[]; fault?: string } {
  const example = "write the brokers' client listeners, such as 10.0.42.1:9092,10.0.42.2:9092";
  if (typeof value !== "string" || value.trim() === "") {
    return { servers: [], fault: `is missing; ${example}` };
  }
  const servers = value.split(",").map((server) => server.trim());
  const bad = servers.find((server) => !isServer(server));
  return bad === undefined
    ? { servers }
    : { servers, fault: `has "${bad}", which is no host:port; ${example}` };
}

function isServer(server: string): boolean {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:]+):(\d{1,5})$/.exec(server)?.[1]);
  return port >= 1 && port <= 65_535;
}
