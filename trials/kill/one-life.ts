import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../../scripts/lib/errors";
import type { Ground } from "../ground";
import { Lives, seenOfAnswer, seenOfState, type Look, type Seen } from "./lives";

const PAUSE_MS = 500;

/**
 * Says which node's broker lives here, since when, and what time it is: by its process, which may be one
 * that systemd is still ending. The pattern does not match its own text in the command lines of this question.
 */
const QUESTION = [
  // First: the process that is found then was alive at that time.
  "read -r now _ </proc/uptime",
  "found=$(grep --files-with-matches --no-messages --text 'kafka[.]Kafka' /proc/[0-9]*/cmdline)",
  'if [ -z "$found" ]; then echo idle; exit; fi',
  // The name of a process may hold blanks; behind its bracket the begin is the 20th word.
  'began=$(for one in $found; do sed "s/.*) //" "${one%cmdline}stat"; done | cut -d " " -f 20 | sort -n | head -n 1)',
  'echo "node $(sed -n s/^node.id=//p /run/kafka/started/server.properties) $began $now"',
].join("\n");

export interface LifeWatch {
  stop(): Promise<Lives>;
}

/** Looks at every machine of the lab, those that play no part (any more) included, until it is told to stop. */
export function watchLives(ground: Ground): LifeWatch {
  const lives = new Lives();
  let stopped = false;
  const look = async (): Promise<void> => {
    for (; !stopped; await sleep(PAUSE_MS)) {
      try {
        lives.add(await lookAtAll(ground));
      } catch (error) {
        lives.addFailed(lastLine(error));
      }
    }
  };
  const looking = look();
  return {
    stop: async () => {
      stopped = true;
      await looking;
      return lives;
    },
  };
}

async function lookAtAll(ground: Ground): Promise<Look> {
  const filter = `label=pi-lab.stack=${ground.lab.name}`;
  const format = "{{.Names}} {{.State}}";
  const list = await ground.docker("ps", "--all", "--filter", filter, "--format", format);
  const found = await Promise.all(
    list.split("\n").map(async (line): Promise<[string, Seen]> => {
      const [name = "", state = ""] = line.split(" ");
      return [name, seenOfState(state) ?? (await lookAt(ground, name))];
    }),
  );
  return new Map(found);
}

/** One that runs. Where it gives no answer it is asked of Docker whether it has ended meanwhile. */
async function lookAt(ground: Ground, name: string): Promise<Seen> {
  try {
    return seenOfAnswer(await ground.docker("exec", name, "sh", "-c", QUESTION));
  } catch (error) {
    const state = await stateOf(ground, name);
    return seenOfState(state) ?? { is: "unseen", why: lastLine(error) };
  }
}

/** Docker's own word for it: the lines before it repeat the question. */
function lastLine(error: unknown): string {
  return reasonOf(error).trimEnd().split("\n").at(-1)!.trim();
}

/** In Docker's words; one that was removed has ended too. */
async function stateOf(ground: Ground, name: string): Promise<string> {
  const filter = `name=^/?${name}$`;
  const state = await ground.docker("ps", "--all", "--filter", filter, "--format", "{{.State}}");
  return state === "" ? "exited" : state;
}
