/** What was seen of a lab's machines, look for look, and what that says of its nodes. Pure. */

/** What one look at one machine found. */
export type Seen =
  /** A broker's process, by its node id: when it began, and when it was seen, s since the boot that all share. */
  | {
      readonly is: "node";
      readonly nodeId: string;
      readonly beganS: number;
      readonly seenS: number;
    }
  /** It runs, and no broker on it. */
  | { readonly is: "idle" }
  /** It is off: no process is left on it. */
  | { readonly is: "off" }
  /** It stands still, with all that ran on it, and will go on. */
  | { readonly is: "paused" }
  /** It runs, and could not be looked at. */
  | { readonly is: "unseen"; readonly why: string };

type SeenNode = Extract<Seen, { is: "node" }>;

/** A look at all machines of a lab, by their names. One that is gone is not among them. */
export type Look = ReadonlyMap<string, Seen>;

/** So many looks in a row at a machine may fail before what it did meanwhile counts as unknown. */
const BLIND_LOOKS = 2;

interface Blind {
  /** Failed looks at it, all together. */
  total: number;
  /** Those since the last one that did not fail. */
  running: number;
  /** The most that ever failed in a row. */
  longest: number;
  why: string;
}

/** One process of a broker: it lived from its begin until it was last seen, at least. */
interface Life {
  readonly machine: string;
  readonly nodeId: string;
  readonly beganS: number;
  seenS: number;
}

/** Gathers looks. */
export class Lives {
  private looks = 0;
  private readonly last = new Map<string, Seen>();
  private readonly blind = new Map<string, Blind>();
  private readonly lives: Life[] = [];

  add(look: Look): void {
    this.looks += 1;
    const now = new Map<string, Seen>();
    for (const [machine, seen] of look) {
      // What it ran stands still: it is as alive as it was.
      const known = seen.is === "paused" ? (this.last.get(machine) ?? UNKNOWN) : seen;
      this.note(machine, known);
      if (known.is !== "unseen") now.set(machine, known);
    }
    for (const [machine, seen] of now) this.last.set(machine, seen);
    for (const machine of this.last.keys()) if (!look.has(machine)) this.last.delete(machine);
    const latestS = Math.max(
      ...[...now.values()].map((seen) => (seen.is === "node" ? seen.seenS : 0)),
    );
    for (const [machine, seen] of now) {
      if (seen.is !== "node") continue;
      this.live(machine, seen, look.get(machine)?.is === "paused" ? latestS : seen.seenS);
    }
  }

  /** A look that failed as a whole: none of the machines that are known was seen. */
  addFailed(why: string): void {
    this.looks += 1;
    for (const machine of this.last.keys()) this.note(machine, { is: "unseen", why });
  }

  /** What must never be, and what cannot be told. */
  problems(): string[] {
    const unseen = [...this.blind].filter(([, { longest }]) => longest >= BLIND_LOOKS);
    return [
      ...twice(this.lives),
      ...unseen.map(
        ([machine, { longest, why }]) =>
          `${machine} was on and could not be looked at ${longest} times in a row (${why}): whether a node ran twice meanwhile is not known`,
      ),
      ...(this.last.size === 0 ? ["no machine was ever seen: nothing is known of its nodes"] : []),
    ];
  }

  notes(): string[] {
    return [
      `each node's machines were looked at ${this.looks} times`,
      ...[...this.blind]
        .filter(([, { total }]) => total > 0)
        .map(
          ([machine, { total, why }]) => `${total} looks at ${machine} failed, the last: ${why}`,
        ),
    ];
  }

  private live(machine: string, { nodeId, beganS }: SeenNode, seenS: number): void {
    let life = this.lives.find((one) => one.machine === machine && one.beganS === beganS);
    if (life === undefined) this.lives.push((life = { machine, nodeId, beganS, seenS }));
    life.seenS = Math.max(life.seenS, seenS);
  }

  private note(machine: string, seen: Seen): void {
    const blind = this.blind.get(machine) ?? { total: 0, running: 0, longest: 0, why: "" };
    this.blind.set(machine, blind);
    if (seen.is !== "unseen") {
      blind.running = 0;
      return;
    }
    blind.total += 1;
    blind.running += 1;
    blind.longest = Math.max(blind.longest, blind.running);
    blind.why = seen.why;
  }
}

const UNKNOWN: Seen = { is: "unseen", why: "it was paused before it was looked at" };

/**
 * What is to be told of nodes that ran on two machines at once. The machines are asked one beside the other
 * and answer seconds apart: it is not their answers that count, but whether one process was seen after the
 * begin of the other.
 */
function twice(lives: readonly Life[]): string[] {
  const told = lives.flatMap((one, i) =>
    lives
      .slice(i + 1)
      .filter((other) => other.nodeId === one.nodeId && other.machine !== one.machine)
      .filter((other) => one.beganS < other.seenS && other.beganS < one.seenS)
      .map((other) => {
        const machines = [one.machine, other.machine].sort().join(" and ");
        return `node ${one.nodeId} ran on ${machines} at the same time`;
      }),
  );
  return [...new Set(told)];
}

/**
 * What a container's state in Docker's words says of the machine that it stands for; undefined where it
 * runs and must be looked at.
 */
export function seenOfState(state: string): Seen | undefined {
  switch (state) {
    case "running":
      return undefined;
    case "paused":
      return { is: "paused" };
    // Between two lives, before the first and behind the last one there is no process.
    case "created":
    case "restarting":
    case "exited":
    case "dead":
    case "removing":
      return { is: "off" };
    default:
      return { is: "unseen", why: `Docker says that it is ${JSON.stringify(state)}` };
  }
}

/** So many of the kernel's clock ticks, as /proc tells them, are a second on every Linux of ours. */
const TICKS = 100;

/** What the question of ./one-life.ts was answered with: `idle`, or `node ID TICKS SECONDS`. */
export function seenOfAnswer(answer: string): Seen {
  if (answer === "idle") return { is: "idle" };
  const [, nodeId, began, seen] = /^node (\d+) (\d+) (\d+\.\d+)$/.exec(answer) ?? [];
  if (nodeId !== undefined) {
    return { is: "node", nodeId, beganS: Number(began) / TICKS, seenS: Number(seen) };
  }
  return { is: "unseen", why: `it answered ${JSON.stringify(answer)}` };
}
