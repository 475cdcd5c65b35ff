import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine } from "../bench/machine";
import { withOwnLabs } from "../bench/own-labs";
import { readArgs, runCommand, toStderr, type Given } from "../scripts/lib/cli";
import { UserError } from "../scripts/lib/errors";
import { renderTable } from "../scripts/lib/table";
import { formatDuration } from "../toolchain/log";
import { parsePart, WHOLE, type Choice } from "./kill/points";
import { renderReport, renderSection, type Results } from "./report";
import { SectionOf } from "./results-file";
import { Session } from "./session";
import { trials } from "./table";
import { passed, type AnyTrial, type Outcome } from "./trial";

const USAGE = `npm run trials [-- OPTIONS]

Writes numbered records to three virtual Pis while something befalls them, reads all back, and says
what was lost; and takes a topic through all its changes on each version of Kafka. Labs of its own are made and removed; other labs are not touched.

  --list         show the trials and end
  --only NAME    this trial; may be given several times (default: all)
  --rate N       records a second (default 350)
  --part I/N     of the moments of a change at which the engine is killed, every Nth from the Ith
  --kills N      at so many of them at most, evenly spread (default: at all)
  --json FILE    also write all outcomes to FILE
  --no-record    do not add the outcomes to bench/RESULTS.md

Records are written for at most two hours a trial, and at most three million: a trial that takes
longer has failed. Each outcome is kept as soon as its trial has ended.

Ends with 0 where every trial passed, with 1 where a record was lost or a lab did not come back.`;

const RATE = 350;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["json", "rate", "kills", "part"],
    lists: ["only"],
    switches: ["list", "no-record"],
  });
  if (given.has("list")) {
    const rows = trials.map(({ name, title }) => [name, title]);
    process.stdout.write(`${renderTable(["trial", "what befalls the lab"], rows)}\n`);
    return 0;
  }
  const chosen = chooseTrials(given);
  const rate = readNumber(given, "rate", 10_000) ?? RATE;
  const kills = readKills(given, chosen);
  const started = Date.now();
  return withOwnLabs("trial", async (own) => {
    // Before the trials, which take long: it is their commit that counts.
    const machine = await describeMachine(own.tools.pulumi.version, own.dockerHost);
    const outcomes: Outcome[] = [];
    const results = (): Results => ({
      date: new Date(started).toISOString(),
      command: ["npm run trials", ...optionsText(given)].join(" "),
      machine,
      rate,
      missing: chosen.slice(outcomes.length).map(({ name }) => name),
      outcomes,
    });
    const keep = keeper(given);
    const onOutcome = (outcome: Outcome): void => {
      outcomes.push(outcome);
      keep(results());
    };
    try {
      await new Session(own, { rate, kills, onOutcome }, toStderr).run(chosen);
    } finally {
      if (outcomes.length > 0) process.stdout.write(`\n${renderReport(results())}\n`);
      toStderr(`The trials took ${formatDuration(Date.now() - started)}.`);
    }
    return outcomes.every(passed) ? 0 : 1;
  });
}

function chooseTrials(given: Given): readonly AnyTrial[] {
  const wanted = given.list("only").flatMap((text) => text.split(","));
  for (const name of wanted) {
    if (trials.some((trial) => trial.name === name)) continue;
    throw new UserError(`--only: ${name} is no trial; npm run trials -- --list shows them.`);
  }
  return wanted.length === 0 ? trials : trials.filter(({ name }) => wanted.includes(name));
}

function readNumber(given: Given, name: string, most: number): number | undefined {
  const text = given.value(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new UserError(`--${name}: ${text} is not a number from 1 to ${most}.`);
}

/** Which moments are wished for. A wish that no chosen trial can fulfil is a slip of the pen. */
function readKills(given: Given, chosen: readonly AnyTrial[]): Choice {
  const part = given.value("part");
  const kills = {
    most: readNumber(given, "kills", 1000) ?? Infinity,
    part: part === undefined ? WHOLE : parsePart(part),
  };
  for (const name of ["kills", "part"]) {
    if (given.value(name) === undefined || chosen.some(({ atMoments }) => atMoments)) continue;
    const those = trials.filter(({ atMoments }) => atMoments).map((trial) => trial.name);
    throw new UserError(
      `--${name}: no trial of those chosen kills the engine at moments; ${those.join(", ")} do.`,
    );
  }
  return kills;
}

/** Writes what there is, again and again as it grows. */
function keeper(given: Given): (results: Results) => void {
  const json = given.value("json");
  const section = given.has("no-record")
    ? undefined
    : new SectionOf(join(__dirname, "..", "bench", "RESULTS.md"));
  return (results) => {
    if (json !== undefined) writeFileSync(json, `${toJson(results)}\n`);
    section?.write(renderSection(results));
  };
}

/** Offsets are 64 bits wide: they go out as text. */
function toJson(results: Results): string {
  return JSON.stringify(
    results,
    (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    2,
  );
}

function optionsText(given: Given): string[] {
  const options = [
    ...given.list("only").map((name) => `--only ${name}`),
    ...["rate", "part", "kills"].flatMap((name) => {
      const value = given.value(name);
      return value === undefined ? [] : [`--${name} ${value}`];
    }),
  ];
  return options.length === 0 ? [] : ["--", ...options];
}

runCommand(main);
