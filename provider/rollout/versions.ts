/** Whether the cluster bears the Kafka that is wanted: told before anything of it is pushed or restarted. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { mapOf } from "../../plugins/common/rpc";
import type { ConnectAdmin, KafkaAdmin } from "../admin/port";
import { asking, BRISK, isUnreachable, KafkaError } from "../admin/port";
import { withoutFormerNames } from "../former-names";
import type { Finalized } from "../metadata-version/plan";
import { unreadable } from "../metadata-version/plan";
import { NOT_RUNNING } from "./plan";

export interface VersionChange {
  /** The version that is wanted. */
  readonly to: string;
  /** Hosts that run, or were last wanted to run, another one. */
  readonly hosts: readonly string[];
}

/** Which versions are new, and where; empty for an unchanged one, which nobody need be asked about. */
export function versionChanges(
  oldInputs: PropertyMap,
  olds: PropertyMap,
  news: PropertyMap,
): VersionChange[] {
  const hostsOf = new Map<string, string[]>();
  for (const [host, node] of Object.entries(mapOf(news["nodes"]))) {
    const to = versionOf(node);
    const before = [mapOf(olds["nodes"])[host], mapOf(oldInputs["nodes"])[host]]
      .map(versionOf)
      .find((version) => version !== undefined && version !== NOT_RUNNING);
    if (to === undefined || before === undefined || to === before) continue;
    hostsOf.set(to, [...(hostsOf.get(to) ?? []), host]);
  }
  return [...hostsOf].map(([to, hosts]) => ({ to, hosts: hosts.sort() }));
}

/** Why the changes are refused, given what the cluster has finalized; empty if they are not. */
export function refusedVersions(changes: readonly VersionChange[], finalized: Finalized): string[] {
  return changes.flatMap(({ to, hosts }) =>
    unreadable(to, finalized).map(
      (reason) =>
        `${hosts.join(", ")}: Kafka ${to} cannot run in this cluster: ${reason}. Brokers would die at ` +
        "their start. Set cluster.kafkaVersion to one that knows it; what is finalized does not go back.",
    ),
  );
}

/** What the state last saw finalized; undefined if it never saw anything. */
export function lastFinalized(olds: PropertyMap): Finalized | undefined {
  const levels = Object.entries(mapOf(olds["finalized"])).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  return levels.length === 0 ? undefined : Object.fromEntries(levels);
}

/**
 * The outputs without what no input stands for: the rest is compared with the inputs. What is unfinished
 * stays: it shows as to be removed, and makes an update do so.
 */
export function comparable({ finalized: _finalized, ...rest }: PropertyMap): PropertyMap {
  return withoutFormerNames(rest);
}

/**
 * What the cluster has finalized, asked within moments; where no broker answers, what the state last
 * saw, and `warn` is told so.
 */
export async function finalizedNow(
  connect: ConnectAdmin,
  olds: PropertyMap,
  warn: (message: string) => void,
): Promise<Finalized> {
  const servers = Object.values(mapOf(olds["nodes"])).flatMap((node) => {
    const { address } = mapOf(node);
    return typeof address === "string" ? [address] : [];
  });
  try {
    const features = await asking(connect(servers, BRISK), (admin) => admin.describeFeatures());
    return features.finalized;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const known = lastFinalized(olds);
    warn(
      `no broker answers: whether the cluster bears another version of Kafka is ${
        known === undefined
          ? "not known. One that is older than what it has finalized dies at its start"
          : "judged by what was last seen of it"
      } (${error.message})`,
    );
    return known ?? {};
  }
}

/** The output that says what the cluster has finalized: seen now, else as last seen. */
export async function finalizedSeen(admin: KafkaAdmin, olds: PropertyMap): Promise<PropertyMap> {
  try {
    return finalizedOutput((await admin.describeFeatures()).finalized);
  } catch (error) {
    if (error instanceof KafkaError) return formerFinalized(olds);
    throw error;
  }
}

export function formerFinalized(olds: PropertyMap): PropertyMap {
  return finalizedOutput(lastFinalized(olds) ?? {});
}

function finalizedOutput(finalized: Finalized): PropertyMap {
  return Object.keys(finalized).length === 0 ? {} : { finalized: { ...finalized } };
}

const versionOf = (node: PropertyValue | undefined): string | undefined => {
  const { version } = mapOf(mapOf(node)["want"]);
  return typeof version === "string" ? version : undefined;
};
