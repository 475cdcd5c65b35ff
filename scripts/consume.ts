import { npmRun, readArgs, runCommand, stackOf, toStderr } from "./lib/cli";
import { UserError } from "./lib/errors";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { Output } from "./lib/output";
import { consumeTopic, type ConsumeEnd, type ConsumeOptions } from "./lib/records/consume";
import { openTopic } from "./lib/records/open-topic";
import { recordJson, recordLine } from "./lib/records/record-text";
import { standingLab } from "./lib/standing-lab";

/** Of each partition, when nothing else is asked for. */
const LAST = 10;

/** How long a cluster that does not answer is waited for where nothing is followed. */
const TIMEOUT_S = 30;

const USAGE = `npm run consume -- TOPIC [--from-beginning | --last N] [--follow] [--max N] [--json]

Prints a topic's records, up to the last one that is there when it begins. Joins no consumer group.

  --from-beginning   all records that are kept
  --last N           the last N of each partition; default ${LAST}, with --follow 0
  -f, --follow       go on with what comes, also while brokers fail and return; Ctrl-C ends
  --partition P      only this partition
  --max N            end after N records
  --timeout SECONDS  end when no record has come for so long; default ${TIMEOUT_S}, with --follow never
  --user NAME        who reads, where the brokers want a login; default: the super user
  --json             one JSON object a line: topic, partition, offset, timestamp, key, value, headers.
                     Bytes that are no text are {"base64": "…"}
  --stack NAME       which lab; default virtual (or PI_LAB_STACK)

Without --json a line is the value; a key comes before it, with a tab between. Ends with 0, also for
Ctrl-C on what it follows; 1 when fewer than --max records came in time; ${INTERRUPTED} on Ctrl-C before the end.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    words: ["TOPIC"],
    values: ["stack", "user", "last", "partition", "max", "timeout"],
    switches: ["from-beginning", "follow", "json"],
    letters: { follow: "f" },
  });
  const follow = given.has("follow");
  const last = given.count("last", 0);
  if (last !== undefined && given.has("from-beginning")) {
    throw new UserError("--last and --from-beginning: leave one of them out.");
  }
  const partition = given.count("partition", 0);
  const max = given.count("max", 1);
  const timeoutS = given.count("timeout", 1) ?? (follow ? undefined : TIMEOUT_S);
  const standing = standingLab(stackOf(given));
  const topic = given.word("TOPIC");
  const client = await openTopic(standing, topic, partition, given.value("user"));
  const from = given.has("from-beginning") ? "start" : (last ?? (follow ? 0 : LAST));
  try {
    const output = new Output();
    return await interruptible(async (signal) => {
      let before = 0n;
      const end = await consumeTopic(client, {
        partition,
        from,
        follow,
        max,
        timeoutMs: timeoutS === undefined ? undefined : timeoutS * 1000,
        signal: AbortSignal.any([signal, output.closed]),
        onRecord: (record) =>
          output.write(
            given.has("json")
              ? `${JSON.stringify(recordJson(topic, record))}\n`
              : recordLine(record),
          ),
        onBegun: (skipped) => {
          before = skipped;
          if (follow) toStderr(`Following ${topic}; Ctrl-C ends.`);
        },
        log: toStderr,
      });
      if (output.closed.aborted) return 0;
      if (end.why === "end") tellOfTheRest(topic, end.count, before);
      return exitCode(end, { topic, follow, max, timeoutS, stack: standing.folder.stack });
    });
  } finally {
    await client.close();
  }
}

/** A reader who sees little or nothing must know whether there is more. */
function tellOfTheRest(topic: string, count: number, before: bigint): void {
  if (before > 0n) {
    toStderr(`${before} before these: --from-beginning prints all; --follow waits for more.`);
  } else if (count === 0) {
    toStderr(`${topic} holds no records; --follow waits for some.`);
  }
}

interface Asked extends Pick<ConsumeOptions, "follow" | "max"> {
  readonly topic: string;
  readonly timeoutS: number | undefined;
  readonly stack: string;
}

function exitCode({ why, count, troubles }: ConsumeEnd, asked: Asked): number {
  switch (why) {
    case "end":
    case "max":
      return 0;
    case "interrupted":
      // What has no end of its own is ended so.
      return asked.follow ? 0 : INTERRUPTED;
    case "timeout": {
      if (asked.follow && asked.max === undefined && troubles.length === 0) return 0;
      const wanted = asked.max === undefined ? "" : ` of ${asked.max}`;
      toStderr(
        `${asked.topic}: ${count}${wanted} records came, and no further one within ${asked.timeoutS} s.`,
      );
      const reason = troubles.length > 0 ? `${troubles.join("; ")}. ` : "";
      toStderr(`  ${reason}See how the lab is with ${npmRun("status", asked.stack)}.`);
      return 1;
    }
    default:
      return why satisfies never;
  }
}

runCommand(main);
