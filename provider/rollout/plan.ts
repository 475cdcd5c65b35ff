/** Who is to be started or restarted, and in which order: values in, values out. */
import type { Fingerprint, HostProbe } from "./stamp";

/** Shown in place of a version where no process runs. */
export const NOT_RUNNING = "not running";

export type NodeVerdict =
  /** Runs with what is wanted. */
  | "current"
  /** Runs with something else. */
  | "differs"
  /** Does not run, or dies again and again: to be started, no one is served by it. */
  | "down";

export function judge(want: Fingerprint, probe: HostProbe): NodeVerdict {
  if (!isUp(probe)) return "down";
  return differences(want, probe.started).length === 0 ? "current" : "differs";
}

/** Whether systemd has a process, or is about to have one; one between two deaths does not count. */
export function isUp({ unit }: HostProbe): boolean {
  return unit.active === "active" || (unit.active === "activating" && unit.sub !== "auto-restart");
}

/** The properties, files and version in which the two differ, as short texts without values. */
export function differences(want: Fingerprint, has: Fingerprint | undefined): string[] {
  if (has === undefined) return ["what it was started with is not known"];
  const found: string[] = [];
  const keys = new Set([...Object.keys(want.properties), ...Object.keys(has.properties)]);
  for (const key of [...keys].sort()) {
    if (want.properties[key] !== has.properties[key]) found.push(key);
  }
  for (const path of Object.keys(want.files).sort()) {
    if (want.files[path] !== has.files[path]) found.push(path);
  }
  if (want.version !== has.version) found.push(`version ${has.version}`);
  return found;
}

/**
 * What the state says of a node: only files that matter to it, of which the manifest has more. A file
 * that was wanted before and is no more shows as long as the process was started with it.
 */
export function observed(
  want: Fingerprint,
  former: Fingerprint | undefined,
  probe: HostProbe,
): Fingerprint {
  const seen = probe.started ?? former ?? { properties: {}, files: {}, version: NOT_RUNNING };
  const paths = new Set([...Object.keys(want.files), ...Object.keys(former?.files ?? {})]);
  return {
    properties: seen.properties,
    files: Object.fromEntries(Object.entries(seen.files).filter(([path]) => paths.has(path))),
    version: isUp(probe) ? seen.version : NOT_RUNNING,
  };
}

/** What keeps a node from being started with what is staged on it; undefined if nothing does. */
export function stagingFault(
  want: Fingerprint,
  stagedHash: string,
  probe: HostProbe,
  stagingUrn: string,
): string | undefined {
  // A plain `up` stages nothing while what it would stage is unchanged in the program.
  const again = `\`pulumi up --replace '${stagingUrn}'\` stages its files again`;
  if (probe.stagedHash === undefined) return `nothing is staged in /etc/kafka. ${again}.`;
  if (probe.stagedHash !== stagedHash) {
    return (
      `/etc/kafka holds the bundle ${short(probe.stagedHash)}, not ${short(stagedHash)} that this ` +
      `stack staged. Run \`pulumi up\` without --target; if that says the same, ${again}.`
    );
  }
  const wrong = differences(want, probe.staged);
  if (wrong.length === 0) return undefined;
  return `what is staged in /etc/kafka differs in ${wrong.join(", ")}: was it edited by hand? ${again}.`;
}

const short = (hash: string): string => `${hash.slice(0, 12)}…`;

/** Whether a process runs there, and as this node as far as its start tells. */
export function runsAs(nodeId: number, probe: HostProbe): boolean {
  const startedAs = probe.started?.properties["node.id"] ?? String(nodeId);
  return isUp(probe) && startedAs === String(nodeId);
}

export interface Candidate {
  readonly host: string;
  readonly nodeId: number;
  readonly isController: boolean;
}

/**
 * Who goes next. A node that does not serve anyway goes first: it blocks the others' gates. Controllers
 * go before brokers that are none, so that no broker runs a Kafka that its controllers do not know; the
 * active one goes last of them: each restart of it costs an election.
 */
export function nextToRoll<C extends Candidate>(
  left: readonly C[],
  unready: ReadonlySet<number>,
  leaderId: number | undefined,
): C | undefined {
  const rank = (one: Candidate): number => {
    if (unready.has(one.nodeId)) return 0;
    if (!one.isController) return 3;
    return one.nodeId === leaderId ? 2 : 1;
  };
  return [...left].sort((a, b) => rank(a) - rank(b) || (a.host < b.host ? -1 : 1))[0];
}
