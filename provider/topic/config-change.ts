/** Which of a topic's settings are to be written, and when. */
import type { LiveTopic } from "../admin/port";
import type { TopicSpec } from "./plan";
import { sameSetting } from "./settings";

const MIN_ISR = "min.insync.replicas";

export interface ConfigChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** Which keys to write: those that we want otherwise, and those that we owned and want no more. */
export function planConfig(
  owned: readonly string[],
  want: Readonly<Record<string, string>>,
  live: Readonly<Record<string, string>>,
): ConfigChange {
  const set = Object.fromEntries(
    Object.entries(want).filter(([key, value]) => !sameSetting(key, live[key], value)),
  );
  const remove = owned.filter((key) => !(key in want) && key in live);
  return { set, remove };
}

/**
 * The change in two parts: what is to be written before replicas move, and after. A higher
 * `min.insync.replicas` waits for them, else it would stop the writes until they are there. So does one that
 * goes: what the cluster has in its place may be higher.
 */
export function aroundMoves(
  { set, remove }: ConfigChange,
  { minInsyncReplicas }: Pick<LiveTopic, "minInsyncReplicas">,
): readonly [before: ConfigChange, after: ConfigChange] {
  const waits = (key: string, value?: string): boolean =>
    key === MIN_ISR && (value === undefined || Number(value) > minInsyncReplicas);
  const settings = Object.entries(set);
  return [
    {
      set: Object.fromEntries(settings.filter(([key, value]) => !waits(key, value))),
      remove: remove.filter((key) => !waits(key)),
    },
    {
      set: Object.fromEntries(settings.filter(([key, value]) => waits(key, value))),
      remove: remove.filter((key) => waits(key)),
    },
  ];
}

/** What is known of a topic whose moves failed. What was to be removed after them is owned still. */
export function afterFailedMoves(
  want: TopicSpec,
  before: TopicSpec,
  { remove }: ConfigChange,
): TopicSpec {
  const left = Object.entries(before.config).filter(([key]) => remove.includes(key));
  const config = { ...want.config, ...Object.fromEntries(left) };
  return { ...want, config, replicationFactor: before.replicationFactor };
}

/** `min.insync.replicas` as it will be, as far as the topic itself says so. */
export const minIsrWanted = (want: TopicSpec, live: LiveTopic): number =>
  Number(want.config[MIN_ISR] ?? live.minInsyncReplicas);

export const isEmptyChange = (change: ConfigChange): boolean =>
  Object.keys(change.set).length === 0 && change.remove.length === 0;
