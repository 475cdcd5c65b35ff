/**
 * MQTT topic filters (OASIS MQTT 5.0, section 4.7): what the configuration may say, and which topics a
 * filter stands for. The one file of the model that programs on the hosts run too: a filter must mean the
 * same where it is checked and where it is used.
 */

/** Levels that Mosquitto takes in a topic (`TOPIC_HIERARCHY_LIMIT`). */
const MAX_LEVELS = 200;
/** MQTT's own limit of a string. */
const MAX_BYTES = 65_535;

/**
 * What is wrong with a topic filter; goes on after it. Undefined for a legal one.
 *
 * Narrower than MQTT: `$SYS` and its like are the broker's own, `$share/…` is for whoever subscribes to put
 * before it, and control characters have no place in a file of lines.
 */
export function filterFault(filter: string): string | undefined {
  if (filter === "") return "is empty";
  if (Buffer.byteLength(filter) > MAX_BYTES) return `has more than ${MAX_BYTES} bytes`;
  if (/\p{Cc}|\p{Cs}|[\uFFFE\uFFFF]/u.test(filter)) {
    return "holds a character that MQTT advises against: a control character or none at all";
  }
  if (filter.startsWith("$")) return "begins with `$`, as the broker's own topics do";
  const levels = filter.split("/");
  if (levels.length > MAX_LEVELS) return `has ${levels.length} levels; at most ${MAX_LEVELS} fit`;
  const hash = levels.findIndex((level) => level.includes("#"));
  if (hash >= 0 && levels[hash] !== "#") return "has a `#` that is not a whole level";
  if (hash >= 0 && hash < levels.length - 1) return "has a `#` before its end";
  if (levels.some((level) => level !== "+" && level.includes("+"))) {
    return "has a `+` that is not a whole level";
  }
  return undefined;
}

/** What is wrong with a topic to publish to; undefined for a legal one. */
export function topicNameFault(topic: string): string | undefined {
  return filterFault(topic) ?? (/[+#]/.test(topic) ? "holds a wildcard" : undefined);
}

/**
 * What each `+` of a legal filter stands for in a topic, in their order; undefined if the filter does not
 * match it.
 */
export function matchFilter(filter: string, topic: string): readonly string[] | undefined {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  // 4.7.2: a wildcard does not stand for the first level of a broker's own topic.
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return undefined;
  const stoodFor: string[] = [];
  for (const [i, want] of wanted.entries()) {
    // It matches its parent too: `a/#` stands for `a`.
    if (want === "#") return levels.length >= i ? stoodFor : undefined;
    const level = levels[i];
    if (level === undefined || (want !== "+" && want !== level)) return undefined;
    if (want === "+") stoodFor.push(level);
  }
  return levels.length === wanted.length ? stoodFor : undefined;
}

/** Whether some topic matches both of two legal filters. */
export function filtersOverlap(a: string, b: string): boolean {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; ; i++) {
    const [x, y] = [left[i], right[i]];
    if (x === "#" || y === "#") return true;
    if (x === undefined || y === undefined) return x === y;
    if (x !== "+" && y !== "+" && x !== y) return false;
  }
}
