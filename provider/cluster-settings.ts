import { DEFAULT_THROTTLE_MIB } from "../model/kafka/throttle";
import type { CheckFailure, CheckRequest, CheckResult, PropertyMap } from "../plugins/common/rpc";
import { isMap, reveal, Unknown } from "../plugins/common/rpc";
import type { Sasl } from "./admin/port";
import type { ClusterSettings } from "./cluster";

const MECHANISMS: readonly Sasl["mechanism"][] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const BYTES_PER_MIB = 1024 * 1024;
const DEFAULT_THROTTLE = DEFAULT_THROTTLE_MIB * BYTES_PER_MIB;

/** Checks the provider's own configuration. */
export function checkProviderConfig(request: CheckRequest): CheckResult {
  return { inputs: request.news, failures: parseClusterSettings(request.news).failures };
}

/** What is not known yet, or at fault, has its default; what is missing and has none is a failure. */
export function parseClusterSettings(config: PropertyMap): {
  settings: ClusterSettings;
  failures: readonly CheckFailure[];
} {
  const failures: CheckFailure[] = [];
  const plain = reveal(config);
  const read = <T>(property: string, parse: (value: unknown) => T | Fault, otherwise: T): T => {
    const value = plain[property];
    if (value instanceof Unknown) return otherwise;
    const parsed = parse(fromText(value));
    if (!(parsed instanceof Fault)) return parsed;
    failures.push({ property, reason: parsed.reason });
    return otherwise;
  };
  const settings: ClusterSettings = {
    bootstrapServers: read("bootstrapServers", parseServers, []),
    sasl: read("sasl", parseSasl, undefined),
    liveChecks: read("liveChecks", parseFlag, true),
    deletionConsents: read("deletionConsents", parseConsents, new Set<string>()),
    reassignmentThrottle: read("reassignmentThrottle", parseThrottle, DEFAULT_THROTTLE),
  };
  return { settings, failures };
}

class Fault {
  constructor(readonly reason: string) {}
}

/** Node programs send every provider property that is no string as JSON text. */
function fromText(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*([[{]|true|false|\d+\s*$)/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

const absent = (value: unknown): value is undefined | null => value === undefined || value === null;

function parseServers(value: unknown): readonly string[] | Fault {
  const example = "write the brokers' client listeners, such as 10.0.42.1:9092,10.0.42.2:9092";
  if (typeof value !== "string" || value.trim() === "") return new Fault(`is missing; ${example}`);
  const servers = value.split(",").map((server) => server.trim());
  const bad = servers.find((server) => !isServer(server));
  return bad === undefined ? servers : new Fault(`has "${bad}", which is no host:port; ${example}`);
}

function isServer(server: string): boolean {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:]+):(\d{1,5})$/.exec(server)?.[1]);
  return port >= 1 && port <= 65_535;
}

function parseSasl(value: unknown): Sasl | undefined | Fault {
  if (absent(value)) return undefined;
  const remedy = `write {mechanism, username, password}, the mechanism one of ${MECHANISMS.join(", ")}`;
  if (!isMap(value as never)) return new Fault(`is no map; ${remedy}`);
  const { mechanism, username, password } = value as Record<string, unknown>;
  const known = MECHANISMS.find((name) => name === mechanism);
  if (known === undefined) return new Fault(`has no mechanism that Kafka knows; ${remedy}`);
  if (typeof username !== "string" || username === "")
    return new Fault(`has no username; ${remedy}`);
  if (typeof password !== "string" || password === "")
    return new Fault(`has no password; ${remedy}`);
  return { mechanism: known, username, password };
}

function parseFlag(value: unknown): boolean | Fault {
  if (absent(value)) return true;
  return typeof value === "boolean"
    ? value
    : new Fault(`is ${JSON.stringify(value)}, which is neither true nor false`);
}

function parseConsents(value: unknown): ReadonlySet<string> | Fault {
  if (absent(value)) return new Set();
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const bad = items.find((item) => typeof item !== "string" || !/^[A-Za-z0-9_-]{22}$/.test(item));
  return bad === undefined
    ? new Set(items as string[])
    : new Fault(
        `has ${JSON.stringify(bad)}, which is no topic id; write a list of ids as the refusal names them`,
      );
}

function parseThrottle(value: unknown): number | Fault {
  if (absent(value)) return DEFAULT_THROTTLE;
  return Number.isSafeInteger(value) && (value as number) >= 1
    ? (value as number)
    : new Fault(`is ${JSON.stringify(value)}, which is no whole number of bytes a second from 1`);
}
