import fc from "fast-check";
import {
  diffLeft,
  dueMachines,
  type Left,
  leftProperties,
  parseLeft,
} from "../../../../provider/left-machines/plan";
import { leftMachines } from "../../../../provider/swap-gate/left";
import type { GateHost } from "../../../../provider/swap-gate/plan";
import { gateBroker } from "../../../support/gate-hosts";

/**
 * Hosts with services that an edit gives other machines, in a model of the stack: gate, what stops services, and
 * the pushes that start them, each of which saves its state when it is done. An `up` may be killed anywhere.
 */

const HOSTS = ["data-1", "client-1", "client-2"] as const;
type HostName = (typeof HOSTS)[number];
const STRANGER = "another lab's";
/** Machines 4 and 5 are free and blank; those from 6 on run another lab's services until they are pushed to. */
const MACHINES = [1, 2, 3, 4, 5, 6, 7];
type Places = Readonly<Record<HostName, number>>;

class Model {
  private gate: { hosts: GateHost[]; left: ReadonlyMap<string, Left> } | undefined;
  private seenTo: ReadonlyMap<string, Left> | undefined;
  private readonly pushed = new Map<HostName, string>();
  /** Whose services run on each machine. */
  readonly running = new Map<number, string>([
    [6, STRANGER],
    [7, STRANGER],
  ]);
  /** Machines that were prepared for a host of ours: who names one and lets an `up` come so far has taken it. */
  private readonly taken = new Set<number>();
  /** Whether a stranger's services were stopped on a machine that was named alone. */
  wronged = false;

  /** @param steps how many it lives for; @returns whether it came to its end */
  up(places: Places, order: readonly HostName[], steps: number): boolean {
    let left = steps;
    const lives = (): boolean => left-- > 0;
    const hosts = HOSTS.map((host): GateHost => ({
      ...gateBroker(1, places[host]),
      host,
      kafka: undefined,
    }));
    if (!lives()) return false;
    const before = this.gate ?? { hosts: [], left: new Map() };
    // Through the state, as the engine keeps it.
    const machines = parseLeft(leftProperties(leftMachines(before.left, before.hosts, hosts)));
    this.gate = { hosts, left: machines };

    if (!lives()) return false;
    HOSTS.forEach((host) => this.taken.add(places[host]));

    if (!lives()) return false;
    const seenTo = this.seenTo ?? new Map<string, Left>();
    if (this.seenTo === undefined || Object.keys(diffLeft(seenTo, machines)).length > 0) {
      for (const { login } of dueMachines(seenTo, machines)) {
        const machine = Number(login.host.split(".")[3]);
        if (this.running.get(machine) === STRANGER && !this.taken.has(machine)) this.wronged = true;
        this.running.delete(machine);
        if (!lives()) return false;
      }
      this.seenTo = machines;
    }

    for (const host of order) {
      if (!lives()) return false;
      const triggers = `${places[host]} move ${this.seenTo.get(host)?.moves ?? 0}`;
      if (this.pushed.get(host) === triggers) continue;
      this.running.set(places[host], host);
      // Started, and killed before that was saved.
      if (!lives()) return false;
      this.pushed.set(host, triggers);
    }
    return true;
  }
}

const places = fc
  .shuffledSubarray(MACHINES, { minLength: 3, maxLength: 3 })
  .map(([a, b, c]): Places => ({ "data-1": a!, "client-1": b!, "client-2": c! }));
const order = fc.shuffledSubarray([...HOSTS], { minLength: 3 });
/** A run may find the configuration as it was: so much is learnt from kills alone. */
const run = fc.record({ places: fc.option(places), order, steps: fc.integer({ min: 0, max: 10 }) });
const FIRST: Places = { "data-1": 1, "client-1": 2, "client-2": 3 };

test("after any kills and edits the next whole `up` has each host's services on its machine, and on no other", () => {
  fc.assert(
    // As many moves as the gate remembers in a row are never all cut off.
    fc.property(fc.array(run, { maxLength: 7 }), places, fc.boolean(), (runs, last, goesOn) => {
      const model = new Model();
      expect(model.up(FIRST, HOSTS, 99)).toBe(true);
      let now = FIRST;
      for (const one of runs) {
        now = one.places ?? now;
        model.up(now, one.order, one.steps);
      }
      if (!goesOn) now = last;
      expect(model.up(now, HOSTS, 99)).toBe(true);

      const wanted = new Map<number, string>(HOSTS.map((host) => [now[host], host]));
      for (const machine of MACHINES) {
        const is = model.running.get(machine);
        if (is !== STRANGER) expect([machine, is]).toEqual([machine, wanted.get(machine)]);
        else expect(wanted.has(machine)).toBe(false);
      }
      expect(model.wronged).toBe(false);
      expect(model.up(now, HOSTS, 99)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
