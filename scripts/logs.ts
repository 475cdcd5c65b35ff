import { SshError } from "../plugins/common/ssh";
import { npmRun, readArgs, runCommand, stackOf } from "./lib/cli";
import { UserError } from "./lib/errors";
import { loginOf, sshTarget } from "./lib/host-login";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { journalCommand, journalQuery, printJournal } from "./lib/journal";
import { Output } from "./lib/output";
import { hostNamed, standingLab } from "./lib/standing-lab";

const USAGE = `npm run logs -- HOST [--unit NAME | --all] [--lines N] [--since TIME] [--follow] [--json]

Prints a host's journal, read over SSH.

  --unit NAME     of this unit; default kafka on a broker or controller, the whole journal elsewhere
  --all           the whole journal
  -n, --lines N   the last N lines; default 100, with --since all
  --since TIME    from then on, as journalctl takes it: "10 min ago", today, "2026-11-25 14:00"
  -f, --follow    go on with what comes; Ctrl-C ends
  --json          one JSON object a line, with all the journal's own fields
  --stack NAME    which lab; default virtual (or PI_LAB_STACK)

Ends with 0, also for Ctrl-C on what it follows; 1 when the host or the time cannot be had; ${INTERRUPTED} on
Ctrl-C before the end.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    words: ["HOST"],
    values: ["stack", "unit", "lines", "since"],
    switches: ["all", "follow", "json"],
    letters: { follow: "f", lines: "n" },
  });
  if (given.has("all") && given.value("unit") !== undefined) {
    throw new UserError("--all and --unit: leave one of them out.");
  }
  const standing = standingLab(stackOf(given));
  const host = hostNamed(given.word("HOST"), standing);
  const query = journalQuery(host, {
    unit: given.value("unit"),
    all: given.has("all"),
    lines: given.count("lines", 0),
    since: given.value("since"),
    follow: given.has("follow"),
    json: given.has("json"),
  });
  const target = sshTarget(loginOf(host, standing), standing);
  const command = journalCommand(query, standing.lab.ssh.user);
  try {
    return await interruptible((signal) =>
      printJournal(target, command, { follow: query.follow, signal, output: new Output() }),
    );
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const look = npmRun("status", standing.folder.stack);
    throw new UserError(`${host.name}: ${error.message}\n  ${look} tells which hosts answer.`);
  }
}

runCommand(main);
