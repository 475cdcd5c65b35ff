import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine } from "../bench/machine";
import { withOwnLabs } from "../bench/own-labs";
import { readArgs, runCommand, toStderr, type Given } from "../scripts/lib/cli";
import { UserError } from "../scripts/lib/errors";
import { renderTable } from "../scripts/lib/table";
import { formatDuration } from "../toolchain/log";
import { renderReport, renderSection, type Results } from "./report";
import { Session } from "./session";
import { trials } from "./table";
import { passed, type Trial } from "./trial";

const USAGE = `npm run trials [-- OPTIONS]

Writes numbered records to three virtual Pis while something befalls them, reads all back, and says
what was lost. Labs of its own are made and removed; other labs are not touched.

  --list         show the trials and end
  --only NAME    this trial; may be given several times (default: all)
  --rate N       records a second (default 350)
  --kills N      kill the engine at so many moments of a change, evenly spread (default: at all)
  --json FILE    also write all outcomes to FILE
  --no-record    do not add the outcomes to bench/RESULTS.md

Ends with 0 where every trial passed, with 1 where a record was lost or a lab did not come back.`;

const RATE = 350;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["json", "rate", "kills"],
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
  const kills = readNumber(given, "kills", 1000) ?? Infinity;
  const started = Date.now();
  return withOwnLabs("trial", async (own) => {
    // Before the trials, which take long: it is their commit that counts.
    const machine = await describeMachine(own.tools.pulumi.version, own.dockerHost);
    const outcomes = await new Session(own, { rate, kills }, toStderr).run(chosen);
    const results: Results = {
      date: new Date(started).toISOString(),
      command: ["npm run trials", ...optionsText(given)].join(" "),
      machine,
      rate,
      outcomes,
    };
    tell(results, given);
    toStderr(`The trials took ${formatDuration(Date.now() - started)}.`);
    return outcomes.every(passed) ? 0 : 1;
  });
}

function chooseTrials(given: Given): readonly Trial[] {
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

function tell(results: Results, given: Given): void {
  process.stdout.write(`\n${renderReport(results)}\n`);
  const json = given.value("json");
  if (json !== undefined) writeFileSync(json, `${toJson(results)}\n`);
  if (given.has("no-record")) return;
  const file = join(__dirname, "..", "bench", "RESULTS.md");
  appendFileSync(file, `\n${renderSection(results)}`);
  toStderr("Added to bench/RESULTS.md.");
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
    ...["rate", "kills"].flatMap((name) => {
      const value = given.value(name);
      return value === undefined ? [] : [`--${name} ${value}`];
    }),
  ];
  return options.length === 0 ? [] : ["--", ...options];
}

runCommand(main);
