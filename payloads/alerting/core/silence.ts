import type { AlertGroup, SilenceRule } from "../../../model";
import type { Ledger } from "./ledger";

/**
 * How long it is waited for others to fall silent as well, ms: hosts publish at the same second, and what
 * they share fails for all of them. Shorter than the time within which an alert is due.
 */
export const GATHER_MS = 1_000;
/** How long those of a group that do not come back with the others are waited for, ms: a Pi's start. */
export const REJOIN_MS = 120_000;

/** What is written down. */
export interface SilenceState {
  readonly heard: Readonly<Record<string, number>>;
  /** Who is told to be silent by himself. */
  readonly alone: readonly string[];
  readonly together: Readonly<Record<string, Together>>;
}

/** Devices that fell silent at once, under the name of what they share. */
interface Together {
  readonly kind: AlertGroup["kind"];
  members: string[];
  sinceMs: number;
  /** When one of them was heard of again; undefined before that. */
  rejoinedMs: number | undefined;
}

/** Which devices of one rule are silent, and what is to blame. */
export class Silence {
  private readonly heard: Map<string, number>;
  private readonly alone: Set<string>;
  private readonly together: Map<string, Together>;
  private readonly devices: ReadonlySet<string>;

  /**
   * @param groups smaller ones first
   * @param self the host that we are on: it is heard of whatever becomes of the switch
   */
  constructor(
    private readonly rule: SilenceRule,
    private readonly groups: readonly AlertGroup[],
    private readonly self: string,
    private readonly ledger: Ledger,
    state: SilenceState = { heard: {}, alone: [], together: {} },
  ) {
    this.devices = new Set(rule.devices);
    const isOurs = (device: string) => this.devices.has(device);
    this.heard = new Map(Object.entries(state.heard).filter(([device]) => isOurs(device)));
    this.alone = new Set(state.alone.filter(isOurs));
    this.together = new Map(
      Object.entries(state.together)
        .filter(([name]) => groups.some((group) => group.name === name))
        .map(([name, one]) => [name, { ...one, members: one.members.filter(isOurs) }]),
    );
  }

  hear(device: string, arrivedMs: number, nowMs: number): void {
    if (!this.devices.has(device)) return;
    const before = this.heard.get(device) ?? -Infinity;
    // Times of the future are of a clock that was set back since.
    if (arrivedMs <= before && before <= nowMs) return;
    this.heard.set(device, Math.min(arrivedMs, nowMs));
    // What was in Kafka already is no sign of life.
    if (nowMs - arrivedMs >= this.afterMs) return;
    if (this.alone.delete(device)) {
      this.ledger.clear(this.rule.name, device, `${device} is heard of again`, nowMs);
    }
    for (const one of this.together.values()) {
      if (!one.members.includes(device)) continue;
      one.members = one.members.filter((member) => member !== device);
      one.rejoinedMs = nowMs;
    }
  }

  /** @param flowsSinceMs since when what devices tell comes through; undefined while it does not */
  tick(flowsSinceMs: number | undefined, nowMs: number): void {
    this.closeGroups(nowMs);
    // Were a clock that was set back not followed, whoever falls silent then would not be missed for as long.
    for (const [device, ms] of this.heard) if (ms > nowMs) this.heard.set(device, nowMs);
    if (flowsSinceMs === undefined) return;
    const deadline = (device: string) =>
      Math.max(this.heard.get(device) ?? -Infinity, flowsSinceMs) + this.afterMs;
    const silent = [...this.devices].filter((device) => nowMs >= deadline(device));
    const told = new Set([...this.alone, ...[...this.together.values()].flatMap((g) => g.members)]);
    const fresh = silent.filter((device) => !told.has(device));
    if (fresh.length === 0) return;
    const first = Math.min(...fresh.map(deadline));
    // Nobody is left who might follow.
    const isWhole = silent.length === this.devices.size;
    if (!isWhole && nowMs < first + GATHER_MS) return;
    this.blame(fresh, new Set(silent), nowMs);
  }

  snapshot(): SilenceState {
    return {
      heard: Object.fromEntries(this.heard),
      alone: [...this.alone],
      together: Object.fromEntries(
        [...this.together].map(([name, one]) => [name, { ...one, members: [...one.members] }]),
      ),
    };
  }

  private get afterMs(): number {
    return this.rule.afterSeconds * 1000;
  }

  private blame(fresh: readonly string[], silent: ReadonlySet<string>, nowMs: number): void {
    let left = fresh;
    const take = ({ kind, name }: AlertGroup, members: readonly string[]) => {
      this.fallSilent(kind, name, members, nowMs);
      left = left.filter((device) => !members.includes(device));
    };
    // Stragglers of a failure that is told already.
    for (const group of this.groups) {
      const open = this.together.get(group.name);
      if (open === undefined) continue;
      const isOfIt = (device: string) =>
        group.hosts.includes(device) && this.fellWith(open, device);
      const members = left.filter(isOfIt);
      if (members.length > 0) take(group, members);
    }
    // Under a name that is told already nobody would hear of them.
    const groups = this.groups.filter(({ name }) => !this.together.has(name));
    // All that hang on one thing are silent, the greatest such thing first.
    for (const group of [...groups].reverse()) {
      const watched = this.watched(group);
      const members = left.filter((device) => group.hosts.includes(device));
      const isDead = watched.every((device) => silent.has(device));
      if (isDead && watched.length > 1 && members.length > 1) take(group, members);
    }
    if (left.length >= this.rule.together) {
      const shared = groups.find(({ hosts }) => left.every((one) => hosts.includes(one)));
      if (shared !== undefined) take(shared, left);
    }
    for (const device of left) this.fallSilentAlone(device, nowMs);
  }

  /**
   * Whether a device fell silent with these: it was not heard of any more once they counted as silent. While
   * they come back all of them may come and go.
   */
  private fellWith({ sinceMs, rejoinedMs }: Together, device: string): boolean {
    const heardMs = this.heard.get(device) ?? -Infinity;
    return rejoinedMs !== undefined || heardMs <= sinceMs + this.afterMs;
  }

  private fallSilentAlone(device: string, nowMs: number): void {
    this.alone.add(device);
    const { rule, ledger } = this;
    const heardMs = this.heard.get(device);
    const summary =
      heardMs === undefined
        ? `${device} has not been heard of yet`
        : `${device} is silent: nothing since ${new Date(heardMs).toISOString()}`;
    ledger.raise({ rule, subject: device, sinceMs: heardMs ?? nowMs, summary }, nowMs);
  }

  private fallSilent(
    kind: AlertGroup["kind"],
    name: string,
    members: readonly string[],
    nowMs: number,
  ): void {
    const known = this.together.get(name);
    const sinceMs = Math.min(...members.map((device) => this.heard.get(device) ?? nowMs));
    const one: Together = {
      kind,
      members: [...(known?.members ?? []), ...members],
      sinceMs: known?.sinceMs ?? sinceMs,
      rejoinedMs: known?.rejoinedMs,
    };
    this.together.set(name, one);
    this.raiseGroup(name, one, nowMs);
  }

  private raiseGroup(name: string, { kind, members, sinceMs }: Together, nowMs: number): void {
    const group = this.groups.find((one) => one.name === name);
    const of = group === undefined ? "" : ` of ${this.watched(group).length}`;
    const { rule, ledger } = this;
    const summary = `${members.length}${of} hosts on the ${kind} ${name} are silent: ${members.join(", ")}`;
    ledger.raise({ rule, subject: name, sinceMs, summary, members }, nowMs);
  }

  /** Those who are back take their group's alert with them; who stays away then is told by himself. */
  private closeGroups(nowMs: number): void {
    for (const [name, one] of this.together) {
      const { kind, members, rejoinedMs } = one;
      const isLeft = rejoinedMs !== undefined && nowMs - rejoinedMs >= REJOIN_MS;
      if (members.length > 0 && !isLeft) {
        if (rejoinedMs !== undefined) this.raiseGroup(name, one, nowMs);
        continue;
      }
      this.together.delete(name);
      const summary =
        members.length === 0
          ? `all hosts on the ${kind} ${name} are heard of again`
          : `hosts on the ${kind} ${name} are heard of again, but for ${members.join(", ")}`;
      this.ledger.clear(this.rule.name, name, summary, nowMs);
      for (const device of members) this.fallSilentAlone(device, nowMs);
    }
  }

  private watched({ hosts }: AlertGroup): string[] {
    return hosts.filter((host) => this.devices.has(host) && host !== this.self);
  }
}
