/** What a host tells of its Kafka process, and of what is staged for the next start. */
import { CLUSTER_LEVEL_SETTINGS } from "../../model/kafka/cluster-level";
import { parseProperties } from "./properties";
import { parseRecord, type Recorded } from "./record";

/** What a process was started with, or is to be. Plain; the wire's secrets are unwrapped. */
export interface Fingerprint {
  readonly properties: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  readonly version: string;
}

export interface UnitState {
  /** systemd's ActiveState and SubState. */
  readonly active: string;
  readonly sub: string;
  readonly mainPid: number;
  /** How often systemd has started it again by itself. */
  readonly restarts: number;
}

export interface HostProbe {
  readonly unit: UnitState;
  /** Undefined while no process was started since the boot. */
  readonly started: Fingerprint | undefined;
  /** The files as they are, whatever the manifest says of them. */
  readonly staged: Fingerprint | undefined;
  /** SHA-256 of the bundle that was staged last. */
  readonly stagedHash: string | undefined;
  /** What we have set while the broker runs. */
  readonly recorded?: Recorded;
  /** Whether something keeps Kafka from being started; a process that runs is not touched by it. */
  readonly held?: boolean;
  /** The cluster that its disk is formatted for. */
  readonly clusterId?: string;
}

/** Reads what the probe script prints. */
export function parseProbe(stdout: string): HostProbe {
  const values = keyValues(stdout);
  const clusterId = values.get("clusterId");
  const text = (key: string): string | undefined => {
    const encoded = values.get(key);
    return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
  };
  return {
    unit: unitState(values),
    started: fingerprint(text, "started", "manifest"),
    staged: fingerprint(text, "staged", "sums"),
    stagedHash: parseManifest(text("staged.manifest") ?? "").bundle,
    recorded: parseRecord(text("recorded") ?? ""),
    ...(values.has("held") ? { held: true } : {}),
    ...(clusterId === undefined ? {} : { clusterId }),
  };
}

export interface Watch {
  readonly unit: UnitState;
  /** The journal's last word on the recovery of logs; empty if there is none. */
  readonly recovery: string;
}

/** Reads what the watch script prints. */
export function parseWatch(stdout: string): Watch {
  const values = keyValues(stdout);
  return { unit: unitState(values), recovery: values.get("recovery") ?? "" };
}

function keyValues(stdout: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return values;
}

function unitState(values: ReadonlyMap<string, string>): UnitState {
  return {
    active: values.get("ActiveState") ?? "unknown",
    sub: values.get("SubState") ?? "unknown",
    mainPid: Number(values.get("MainPID") ?? 0),
    restarts: Number(values.get("NRestarts") ?? 0),
  };
}

function fingerprint(
  text: (key: string) => string | undefined,
  prefix: string,
  sums: string,
): Fingerprint | undefined {
  const properties = text(`${prefix}.properties`);
  const manifest = text(`${prefix}.${sums}`);
  const version = text(`${prefix}.version`);
  if (properties === undefined || manifest === undefined || version === undefined) return undefined;
  return {
    properties: Object.fromEntries(
      Object.entries(parseProperties(properties)).filter(
        ([key]) => !CLUSTER_LEVEL_SETTINGS.includes(key),
      ),
    ),
    files: parseManifest(manifest).files,
    version: parseVersion(version),
  };
}

/** `SHA256  PATH` for each file, and a line `bundle SHA256`. */
export function parseManifest(text: string): { files: Record<string, string>; bundle?: string } {
  const files: Record<string, string> = {};
  let bundle: string | undefined;
  for (const line of text.split("\n")) {
    const [, first, rest] = /^(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (first === undefined || rest === undefined) continue;
    if (first === "bundle") bundle = rest;
    else files[rest] = first;
  }
  return bundle === undefined ? { files } : { files, bundle };
}

/** `4.1.1` from a version, or from a folder such as `/opt/kafka/kafka-4.1.1` or `kafka_2.13-4.1.1`. */
function parseVersion(text: string): string {
  return text.trim().replace(/^.*kafka(_[\d.]+)?-/, "");
}
