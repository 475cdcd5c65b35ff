import type { AdoptedTopic, AdoptionPlan } from "./plan";

/** The key `topics` of a lab's configuration, to be pasted there as it stands. */
export function topicsYaml(topics: readonly AdoptedTopic[]): string {
  if (topics.length === 0) return "topics: {}\n";
  return text(["topics:", ...topics.flatMap(topicLines)]);
}

function topicLines({ name, partitions, replicationFactor, ...topic }: AdoptedTopic): string[] {
  const config = Object.entries(topic.config);
  const { placement } = topic;
  return [
    `  ${word(name)}:`,
    `    partitions: ${partitions}`,
    `    replicationFactor: ${replicationFactor}`,
    ...(placement === undefined ? [] : ["    placement:"]),
    ...(placement ?? []).map((replicas) => `      - [${replicas.join(", ")}]`),
    ...(config.length === 0 ? [] : ["    config:"]),
    ...config.map(([key, value]) => `      ${word(key)}: ${JSON.stringify(value)}`),
  ];
}

/** Words that some reader of YAML takes for something else than text. */
const TAKEN = /^(y|n|yes|no|on|off|true|false|null)$/i;

/** Bare where every reader of YAML takes it for text: the engine's is another one than ours. */
function word(name: string): string {
  return /^[A-Za-z][A-Za-z0-9._-]*$/.test(name) && !TAKEN.test(name) ? name : JSON.stringify(name);
}

/** Statements of a TypeScript program of one's own, each with the command that imports its topic before. */
export function topicsProgram(topics: readonly AdoptedTopic[]): string {
  return text(
    topics.flatMap(({ name, partitions, replicationFactor, placement, config }) => [
      `// pulumi import --generate-code=false pilab:kafka/topic:Topic ${name} ${name}`,
      `new Topic(${JSON.stringify(name)}, {`,
      `  name: ${JSON.stringify(name)},`,
      `  partitions: ${partitions},`,
      `  replicationFactor: ${replicationFactor},`,
      ...(placement === undefined ? [] : [`  placement: ${JSON.stringify(placement)},`]),
      `  config: ${JSON.stringify(config)},`,
      "  deletionProtection: true,",
      "});",
    ]),
  );
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** What a reader must know beside the configuration, a sentence or two each. */
export function remarks(plan: AdoptionPlan): string[] {
  const { internal, refused, unowned, missing } = plan;
  return [
    ...refused.map(({ topic, reason }) => `${topic}: left out. ${reason}`),
    ...unowned.map(
      ({ topic, reason }) => `${topic}: a setting is not declared, and stays as it is. ${reason}`,
    ),
    ...(internal.length === 0 ? [] : [`Kafka's own topics are left out: ${internal.join(", ")}.`]),
    ...(missing.length === 0
      ? []
      : [
          `The lab has topics that are not in the cluster: ${missing.join(", ")}. Keep their lines to have them made.`,
        ]),
  ];
}
