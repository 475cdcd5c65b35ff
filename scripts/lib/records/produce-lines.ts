import { setTimeout as sleep } from "node:timers/promises";
import { pathBelow } from "../../../model/errors";
import { KafkaError } from "../../../provider/admin/port";
import { UserError, reasonOf } from "../errors";
import { recordOfLine, renderLines, type KeySource, type Line } from "./lines";
import type { Acknowledged, Failed, Sent } from "./produce";

/** How the writing of all lines ended. */
export interface ProduceEnd {
  /** `failed`: some lines of the last batch were not acknowledged, and nothing was sent after them. */
  readonly why: "end" | "interrupted" | "failed";
  /** All lines up to this one are acknowledged. */
  readonly through: number;
  /** Lines of the last batch that were acknowledged beside those that failed. */
  readonly beside: readonly number[];
  readonly failed: readonly Failed[];
}

export interface ProduceLinesOptions extends KeySource {
  /** At most so many records a second. */
  readonly rate?: number | undefined;
  readonly signal: AbortSignal;
  readonly onAcknowledged: (acknowledged: readonly Acknowledged[]) => Promise<void>;
}

/**
 * Writes batches of lines one after the other, until the input ends or a line cannot be written.
 * @throws UserError for a line that is no record, with what was acknowledged before it
 */
export async function produceLines(
  producer: { send(lines: readonly Line[]): Promise<Sent> },
  batches: AsyncIterable<readonly Buffer[]> | Iterable<readonly Buffer[]>,
  options: ProduceLinesOptions,
): Promise<ProduceEnd> {
  const { rate, signal, onAcknowledged } = options;
  let through = 0;
  let next = Date.now();
  const end = (why: ProduceEnd["why"]): ProduceEnd => ({ why, through, beside: [], failed: [] });
  try {
    for await (const texts of batches) {
      if (rate !== undefined) {
        await sleep(Math.max(0, next - Date.now()), undefined, { signal });
        next = Math.max(next, Date.now()) + (texts.length * 1000) / rate;
      }
      const lines = recordsOf(texts, through, options);
      const { acknowledged, failed } = await producer.send(lines);
      await onAcknowledged(acknowledged);
      if (failed.length > 0) {
        const beside = acknowledged.map(({ line }) => line);
        return { why: "failed", through, beside, failed };
      }
      through += lines.length;
      if (signal.aborted) return end("interrupted");
    }
  } catch (error) {
    // Waiting for input, or for the next turn, ends with an error of its own.
    if (signal.aborted) return end("interrupted");
    throw error;
  }
  return end("end");
}

function recordsOf(texts: readonly Buffer[], before: number, source: KeySource): Line[] {
  try {
    return texts.map((text, i) => recordOfLine(text, before + i + 1, source));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${error.message} ${renderAcknowledged(before, [])}`);
  }
}

/**
 * What a user needs who has to send the rest again.
 *
 * @param user who wrote. Default: the super user, where brokers want a login at all
 */
export function renderFailure(
  topic: string,
  end: ProduceEnd,
  lookCommand: string,
  user?: string,
): string {
  const problems = end.failed.map(({ partition, lines, error, inDoubt, place }) => {
    const which = `${lines.length === 1 ? "Line" : "Lines"} ${renderLines(lines)}`;
    const cause = reasonOf(error).replace(/\.$/, "");
    const doubt = inDoubt ? ` ${lines.length === 1 ? "It" : "They"} may have been written.` : "";
    const seen =
      place === undefined
        ? ""
        : ` ${topic}, partition ${partition}: ${place.inSync} of ${place.replicas} replicas in sync.`;
    return `${which} not acknowledged: ${cause}.${doubt}${seen}\n  ${remedyFor(error, topic, lookCommand, user)}`;
  });
  return [...problems, renderAcknowledged(end.through, end.beside)].join("\n");
}

function renderAcknowledged(through: number, beside: readonly number[]): string {
  const which = renderLines(beside, through);
  if (which === "") return "No line was acknowledged.";
  return `Acknowledged: ${/^\d+$/.test(which) ? "line" : "lines"} ${which}. Nothing after that was sent.`;
}

/** What lets a user write. Since Kafka 2.8 it is enough for the id of a producer, too. */
function missingRule(user: string, topic: string): string {
  const rule = `{ topic: ${topic}, operations: [write] }`;
  return `No rule lets ${user} write to it: add ${rule} below ${pathBelow("acls", user)}, \`up\`, and send these lines again.`;
}

function remedyFor(
  error: Error,
  topic: string,
  lookCommand: string,
  user: string | undefined,
): string {
  const otherwise = `See how the lab is with ${lookCommand}, and send these lines again.`;
  switch (error instanceof KafkaError ? (error.code ?? "") : "") {
    case "NOT_ENOUGH_REPLICAS":
    case "NOT_ENOUGH_REPLICAS_AFTER_APPEND":
      return `A write counts only on min.insync.replicas replicas. ${lookCommand} names the brokers that are away: start them, and send these lines again.`;
    case "MESSAGE_TOO_LARGE":
    case "RECORD_LIST_TOO_LARGE":
      return "Raise max.message.bytes of the topic in the lab's configuration, or send less in one record.";
    case "INVALID_RECORD":
      return "A compacted topic takes no record without a key: give one with --key, or one in each line with --key-separator.";
    case "TOPIC_AUTHORIZATION_FAILED":
    case "CLUSTER_AUTHORIZATION_FAILED":
      return user === undefined ? otherwise : missingRule(user, topic);
    default:
      return otherwise;
  }
}
