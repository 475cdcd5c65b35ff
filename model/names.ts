/** Names: which are legal, and which collide. Each function gives the cause, or undefined for a legal name. */

/** Longest name of a lab. With a machine's after it, it still is a DNS label: containers are named so. */
export const MAX_LAB_NAME = 20;
/** Longest name of a host or a machine. */
export const MAX_HOST_NAME = 40;

export function labelFault(name: string, maxLength: number): string | undefined {
  if (name.length > maxLength) return `has ${name.length} characters; at most ${maxLength} fit`;
  if (!/^[a-z]/.test(name)) return "does not begin with a small letter";
  if (name.endsWith("-")) return "ends with a hyphen";
  return /^[a-z0-9-]+$/.test(name)
    ? undefined
    : "has other characters than small letters, digits and hyphens";
}

/** A legal label as near as possible to the one given, for a remedy; undefined when nothing is left of it. */
export function labelFrom(name: string, maxLength: number): string | undefined {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .replace(/-+$/, "");
  return label === "" || label === name || label.length > maxLength ? undefined : label;
}

/** Kafka's own limit (`org.apache.kafka.common.internals.Topic`): partition folders' names must fit into a file name. */
export const MAX_TOPIC_NAME = 249;

export function topicFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "cannot be a topic: it names a folder";
  if (name.length > MAX_TOPIC_NAME) {
    return `has ${name.length} characters; Kafka takes at most ${MAX_TOPIC_NAME}`;
  }
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    return "has characters that Kafka does not take: topics are letters, digits, `.`, `_` and `-`";
  }
  if (name.startsWith("__")) return "begins with `__`, as Kafka's own topics do";
  return undefined;
}

/** Kafka keeps metrics by names in which `.` has become `_`; two topics with the same such name collide, and Kafka refuses the second. */
export function collisionKey(topic: string): string {
  return topic.replaceAll(".", "_");
}

/** The engine reads an unquoted `~` or `null` as nothing, and hands it over under this name. */
export function yamlFault(name: string): string | undefined {
  return name === "<nil>" ? "is what YAML makes of ~ or null" : undefined;
}
