import { addAbortSignal } from "node:stream";
import { npmRun, readArgs, runCommand, stackOf, toStderr, type Given } from "./lib/cli";
import { UserError } from "./lib/errors";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { Output } from "./lib/output";
import { BATCH, lineBatches, portions } from "./lib/records/lines";
import { openTopic } from "./lib/records/open-topic";
import { LineProducer, type Acknowledged } from "./lib/records/produce";
import { produceLines, renderFailure } from "./lib/records/produce-lines";
import { standingLab } from "./lib/standing-lab";

/** Longer than the election after a broker's sudden death, with Kafka's own timeouts. */
const TIMEOUT_S = 30;

const USAGE = `npm run produce -- TOPIC [--key KEY] [--partition P] [--value TEXT …] [--rate N] [--json]

Writes records into a topic: each line of the standard input is one, until it ends (Ctrl-D). Each is
acknowledged by all in-sync replicas (acks=all), and its partition and offset are printed.

  --value TEXT         write this instead of the standard input; may be given more than once
  --key KEY            one key for all records; records of a key are in one partition
  --key-separator SEP  each line is a key, SEP, and a value
  --partition P        the partition; default: by the key, in turn without one
  --rate N             at most N records a second
  --timeout SECONDS    how long a record is tried while brokers are away; default ${TIMEOUT_S}
  --user NAME          who writes, where the brokers want a login; default: the super user
  --json               one JSON object a line: topic, partition, offset, line
  --stack NAME         which lab; default virtual (or PI_LAB_STACK)

Ends with 0 when every line is acknowledged, 1 when one was not (and says which were), ${INTERRUPTED} on Ctrl-C.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    words: ["TOPIC"],
    values: ["stack", "user", "key", "key-separator", "partition", "rate", "timeout"],
    lists: ["value"],
    switches: ["json"],
  });
  const source = { key: given.value("key"), separator: given.value("key-separator") };
  if (source.key !== undefined && source.separator !== undefined) {
    throw new UserError(
      "--key and --key-separator: one key for all records, or one in each line. Leave one of them out.",
    );
  }
  if (source.separator === "") throw new UserError("--key-separator: is empty. Give a character.");
  const partition = given.count("partition", 0);
  const rate = given.count("rate", 1);
  const timeoutMs = (given.count("timeout", 1) ?? TIMEOUT_S) * 1000;
  const standing = standingLab(stackOf(given));
  const topic = given.word("TOPIC");
  const client = await openTopic(standing, topic, partition, given.value("user"));
  try {
    const output = new Output();
    const render = given.has("json") ? acknowledgedJson : acknowledgedText;
    return await interruptible(async (signal) => {
      const producer = new LineProducer(client, { partition, timeoutMs, signal, log: toStderr });
      const end = await produceLines(producer, batches(given, rate, signal), {
        ...source,
        rate,
        signal,
        onAcknowledged: (all) => output.write(all.map((one) => `${render(topic, one)}\n`).join("")),
      });
      if (end.why === "failed") {
        toStderr(
          renderFailure(topic, end, npmRun("status", standing.folder.stack), given.value("user")),
        );
      }
      if (signal.aborted) return INTERRUPTED;
      return end.why === "end" ? 0 : 1;
    });
  } finally {
    await client.close();
  }
}

function batches(
  given: Given,
  rate: number | undefined,
  signal: AbortSignal,
): Iterable<Buffer[]> | AsyncIterable<Buffer[]> {
  // With a rate, ten batches a second or fewer: evenly, not in gulps.
  const lines = rate === undefined ? BATCH.lines : Math.max(1, Math.floor(rate / 10));
  const limits = { ...BATCH, lines: Math.min(BATCH.lines, lines) };
  const values = given.list("value");
  if (values.length > 0) {
    return portions(
      values.map((value) => Buffer.from(value)),
      limits,
    );
  }
  if (process.stdin.isTTY) toStderr("Each line is a record; Ctrl-D ends.");
  return lineBatches(addAbortSignal(signal, process.stdin), limits);
}

function acknowledgedText(topic: string, { partition, offset }: Acknowledged): string {
  return `${topic}, partition ${partition}, offset ${offset}`;
}

function acknowledgedJson(topic: string, { partition, offset, line }: Acknowledged): string {
  return JSON.stringify({ topic, partition, offset: Number(offset), line });
}

runCommand(main);
