import type { CheckFailure, PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { reveal, Unknown } from "../../plugins/common/rpc";

/** What makes a formatted log directory this node's and no other's. */
export interface Identity {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string;
}

/** What lies in a log directory. */
export interface Disk {
  /** Text of meta.properties; undefined where there is none. */
  readonly meta: string | undefined;
  /** Paths below the directory, two levels deep, files and folders. */
  readonly entries: readonly string[];
}

export type StoragePlan =
  /** Formatted as wanted: nothing is run. */
  | { readonly kind: "adopt" }
  /** Blank, or left by a format that was cut off: `leftovers` go first. */
  | { readonly kind: "format"; readonly leftovers: readonly string[] }
  | { readonly kind: "refuse"; readonly cause: string; readonly remedy: string };

/** Made by mkfs, and by Kafka before it has an identity. */
const HARMLESS = /^(lost\+found|\.lock)$/;

/**
 * A format writes these and meta.properties last; without the latter they are a cut-off format's.
 * A metadata log with a segment is more than that: a controller has written to it.
 */
const LEFTOVER =
  /^(bootstrap\.checkpoint|meta\.properties\.pi-lab-new|__cluster_metadata-0)(\/[^/]*\.checkpoint(\.[^/]*)?)?$/;

/** Decides what to do with a disk. Never formats what may hold somebody's records. */
export function planStorage(want: Identity, disk: Disk): StoragePlan {
  if (disk.meta !== undefined) return planFormatted(want, parseMeta(disk.meta));
  const entries = disk.entries.filter((entry) => !HARMLESS.test(entry));
  const foreign = entries.filter((entry) => !LEFTOVER.test(entry));
  if (foreign.length === 0) {
    return { kind: "format", leftovers: entries.filter((entry) => !entry.includes("/")) };
  }
  return {
    kind: "refuse",
    cause: `it holds files but no meta.properties (${foreign.slice(0, 3).join(", ")})`,
    remedy: "If they are of no use, remove them on the host; else put meta.properties back.",
  };
}

/** After a `destroy` that left the data, or a loss of the state, the disks have ids that the stack does not know. */
function takenOver(want: Identity, found: Partial<Identity>): string {
  if (found.nodeId !== want.nodeId) return "";
  return (
    " If it is this lab's own and the stack has lost its state or was destroyed: start Kafka on the machines " +
    "that the configuration names (`sudo systemctl enable --now kafka`) and run `pulumi up` again, which " +
    "takes a running cluster over as it is. More than half of the controllers suffice: leave /etc/kafka/hold " +
    "where it is, `up` lifts it where the node runs nowhere else."
  );
}

function planFormatted(want: Identity, found: Partial<Identity>): StoragePlan {
  const differing = (["clusterId", "nodeId", "directoryId"] as const).filter(
    (key) => found[key] !== want[key],
  );
  if (differing.length === 0) return { kind: "adopt" };
  const list = differing.map(
    (key) => `${key} ${found[key] ?? "(none)"}, where this stack wants ${want[key]}`,
  );
  return {
    kind: "refuse",
    cause: `it is formatted with another identity: ${list.join("; ")}`,
    remedy:
      "It is left alone, for it may hold another cluster's records. If they are of no use, stop " +
      "kafka on that host and empty the directory; else give this host another machine." +
      takenOver(want, found),
  };
}

/** Reads meta.properties (version 1: `cluster.id`, `node.id`, `directory.id`). */
export function parseMeta(text: string): Partial<Identity> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^\s*([^#!=\s][^=\s]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) entries.set(key, value);
  }
  const clusterId = entries.get("cluster.id");
  const nodeId = entries.get("node.id");
  const directoryId = entries.get("directory.id");
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(nodeId === undefined ? {} : { nodeId: Number(nodeId) }),
    ...(directoryId === undefined ? {} : { directoryId }),
  };
}

/** 16 bytes in URL-safe base64 without padding. */
export const KAFKA_ID = /^[A-Za-z0-9_-]{22}$/;

/** The first hundred ids mean something to Kafka: `format` takes one, and the broker then dies. */
function isReserved(id: string): boolean {
  const bytes = Buffer.from(id, "base64url");
  return bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) < 100;
}

export function checkStorage(news: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const key of ["clusterId", "directoryId"] as const) {
    const value = reveal(news[key]);
    if (value instanceof Unknown) continue;
    if (typeof value !== "string" || !KAFKA_ID.test(value)) {
      failures.push({
        property: key,
        reason: "must be 16 bytes in URL-safe base64: 22 characters",
      });
    } else if (isReserved(value)) {
      failures.push({ property: key, reason: "is one of the hundred ids that Kafka reserves" });
    }
  }
  const nodeId = reveal(news["nodeId"]);
  if (!(nodeId instanceof Unknown) && !(Number.isInteger(nodeId) && (nodeId as number) >= 0)) {
    failures.push({ property: "nodeId", reason: "must be a whole number from 0" });
  }
  return failures;
}

/**
 * Why a formatted node cannot become what is wanted, if it cannot: the same node of the same cluster it
 * stays, whatever its disk.
 */
export function refusedChange(oldInputs: PropertyMap, news: PropertyMap): string | undefined {
  const host = shown(oldInputs["host"]);
  for (const key of ["nodeId", "clusterId"]) {
    const [before, after] = [reveal(oldInputs[key]), reveal(news[key])];
    if (after instanceof Unknown || after !== before) {
      const [from, to] = [before, after].map(shown);
      return `${host}: ${key} ${from} was written on its disk and cannot become ${to}. Set it back.`;
    }
  }
  return undefined;
}

/** A plain property as a message shows it. */
export function shown(value: PropertyValue | undefined): string {
  const plain = reveal(value);
  return typeof plain === "string" ? plain : JSON.stringify(plain);
}
