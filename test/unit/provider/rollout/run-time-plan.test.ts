import fc from "fast-check";

import type { RunTimeSettings } from "../../../../provider/admin/port";
import { recordedAfter, recordedBefore } from "../../../../provider/rollout/record";
import type { RunTimeFacts } from "../../../../provider/rollout/run-time-plan";
import {
  changedWhileRunning,
  inForce,
  planRunTime,
} from "../../../../provider/rollout/run-time-plan";
import type { Fingerprint } from "../../../../provider/rollout/stamp";

/** Changes while a broker runs, and does not. */
const LIVE = "log.retention.ms";
const STATIC = "log.retention.hours";

const print = (properties: Record<string, string>, version = "4.1.1"): Fingerprint => ({
  properties,
  files: { "/etc/kafka/kafka.env": "aa" },
  version,
});
const own = (settings: Record<string, string>): RunTimeSettings => ({
  own: settings,
  defaults: {},
});
const facts = (changes: Partial<RunTimeFacts>): RunTimeFacts => ({
  want: print({ [LIVE]: "1000" }),
  started: print({ [LIVE]: "1000" }),
  former: undefined,
  recorded: new Map(),
  live: own({}),
  ...changes,
});
const nothing = { set: {}, remove: [], restart: [], foreign: [] };

test("what runs as wanted needs nothing", () => {
  expect(planRunTime(facts({}))).toEqual(nothing);
});

test("a changed value is set while the broker runs, and again when it changes again", () => {
  const want = print({ [LIVE]: "2000" });
  expect(planRunTime(facts({ want }))).toEqual({ ...nothing, set: { [LIVE]: "2000" } });
  const recorded = new Map([[LIVE, ["2000"]]]);
  const live = own({ [LIVE]: "2000" });
  expect(planRunTime(facts({ want, live, recorded }))).toEqual(nothing);
  const next = print({ [LIVE]: "3000" });
  expect(planRunTime(facts({ want: next, live, recorded }))).toEqual({
    ...nothing,
    set: { [LIVE]: "3000" },
  });
  expect(inForce(facts({ live }))?.properties).toEqual({ [LIVE]: "2000" });
});

test("once a process was started with the same value, what was set is taken back", () => {
  const live = own({ [LIVE]: "1000" });
  expect(planRunTime(facts({ live }))).toEqual({ ...nothing, remove: [LIVE] });
  // Also where the file went on meanwhile: the former value would shadow it.
  const recorded = new Map([[LIVE, ["500"]]]);
  expect(planRunTime(facts({ live: own({ [LIVE]: "500" }), recorded }))).toEqual({
    ...nothing,
    remove: [LIVE],
  });
  // And where the key left the configuration and the process.
  const gone = { want: print({}), started: print({}), live: own({ [LIVE]: "500" }), recorded };
  expect(planRunTime(facts(gone))).toEqual({ ...nothing, remove: [LIVE] });
});

test.each<[string, Partial<RunTimeFacts>, string[]]>([
  [
    "a setting that is read at the start",
    { want: print({ [STATIC]: "2" }), started: print({ [STATIC]: "1" }) },
    [STATIC],
  ],
  ["a key that is new", { want: print({ [LIVE]: "1" }), started: print({}) }, [LIVE]],
  ["a key that is gone", { want: print({}), started: print({ [LIVE]: "1" }) }, [LIVE]],
  ["another version", { want: print({ [LIVE]: "1000" }, "4.2.0") }, ["version 4.1.1"]],
  [
    "another file",
    { want: { ...print({ [LIVE]: "1000" }), files: { "/etc/kafka/kafka.env": "bb" } } },
    ["/etc/kafka/kafka.env"],
  ],
  ["a broker that does not answer", { want: print({ [LIVE]: "2" }), live: undefined }, [LIVE]],
  ["an unknown start", { started: undefined }, ["what it was started with is not known"]],
  [
    "an address: it is more than a setting",
    { want: print({ listeners: "a" }), started: print({ listeners: "b" }) },
    ["listeners"],
  ],
  [
    "more threads than Kafka takes at once",
    { want: print({ "num.io.threads": "17" }), started: print({ "num.io.threads": "8" }) },
    ["num.io.threads"],
  ],
])("%s needs a restart", (_, changes, restart) => {
  expect(planRunTime(facts(changes))).toEqual({ ...nothing, restart });
});

test("what others have set is named and left, until a preview has shown it", () => {
  const foreign = [{ key: LIVE, value: "77", of: "this broker" }];
  const live = own({ [LIVE]: "77" });
  expect(planRunTime(facts({ live }))).toEqual({ ...nothing, foreign });
  const want = print({ [LIVE]: "2000" });
  expect(planRunTime(facts({ want, live }))).toEqual({ ...nothing, foreign });
  expect(inForce(facts({ live }))?.properties).toEqual({ [LIVE]: "77" });
  const former = print({ [LIVE]: "77" });
  expect(planRunTime(facts({ live, former }))).toEqual({ ...nothing, remove: [LIVE] });
  expect(planRunTime(facts({ want, live, former }))).toEqual({
    ...nothing,
    set: { [LIVE]: "2000" },
  });
});

test("a default that others have set for all brokers is named, never changed", () => {
  const live = { own: {}, defaults: { [LIVE]: "77", "not.declared": "1" } };
  expect(planRunTime(facts({ live }))).toEqual({
    ...nothing,
    foreign: [{ key: LIVE, value: "77", of: "all brokers" }],
  });
});

test("the limits of replicas that move are nobody's drift, here or as defaults of all brokers", () => {
  const limits = {
    "leader.replication.throttled.rate": "1000000",
    "follower.replication.throttled.rate": "1000000",
  };
  for (const live of [own(limits), { own: {}, defaults: limits }]) {
    expect(planRunTime(facts({ live }))).toEqual(nothing);
    expect(inForce(facts({ live }))).toEqual(facts({}).started);
  }
});

test("values are compared as Kafka reads them", () => {
  const ratio = "log.cleaner.min.cleanable.ratio";
  const want = print({ [ratio]: "0.50" });
  expect(
    planRunTime(facts({ want, started: print({ [ratio]: "0.4" }), live: own({ [ratio]: "0.5" }) })),
  ).toEqual(nothing);
});

test("where the broker is silent, what we set last counts as in force", () => {
  const recorded = new Map([[LIVE, ["2000", "3000"]]]);
  expect(inForce(facts({ live: undefined, recorded }))?.properties).toEqual({ [LIVE]: "3000" });
  expect(inForce(facts({ started: undefined }))).toBeUndefined();
});

test("a preview names hosts that need no restart, with their keys", () => {
  const nodes = (first: Record<string, string>, second: Record<string, string>) => ({
    nodes: {
      "broker-1": { want: { ...print(first) } },
      "broker-2": { want: { ...print(second) } },
    },
  });
  const olds = nodes({ [LIVE]: "1" }, { [LIVE]: "1", [STATIC]: "1" });
  const news = nodes({ [LIVE]: "2" }, { [LIVE]: "2", [STATIC]: "2" });
  expect(changedWhileRunning(olds, news)).toEqual([["broker-1", [LIVE]]]);
  expect(changedWhileRunning(olds, olds)).toEqual([]);
  expect(changedWhileRunning({}, news)).toEqual([]);
});

/** A broker with its host: the process's own values, what was set over them, and our note of it. */
interface World {
  started: Record<string, string>;
  over: Record<string, string>;
  recorded: ReadonlyMap<string, readonly string[]>;
}

/** What one `up` does, broken off after so many of its steps. */
function up(
  world: World,
  wanted: Record<string, string>,
  former: Fingerprint,
  steps: number,
): void {
  const look = (): RunTimeFacts => ({
    want: print(wanted),
    started: print(world.started),
    former,
    recorded: world.recorded,
    live: own(world.over),
  });
  const doing: (() => void)[] = [];
  const tune = (plan: ReturnType<typeof planRunTime>): void => {
    doing.push(() => (world.recorded = recordedBefore(world.recorded, plan.set)));
    doing.push(() => {
      world.over = { ...world.over, ...plan.set };
      for (const key of plan.remove) delete world.over[key];
    });
    doing.push(() => (world.recorded = recordedAfter(world.recorded, own(world.over))));
  };
  const plan = planRunTime(look());
  if (plan.restart.length > 0) {
    doing.push(() => (world.started = { ...wanted }));
    doing.push(() => tune(planRunTime(look())));
  } else tune(plan);
  for (let done = 0; done < steps; done++) doing.shift()?.();
}

test("whatever was edited and wherever `up` was broken off: the last one brings what is wanted, and nothing shadows it", () => {
  const value = fc.constantFrom("1000", "2000", "3000");
  const wanted = fc.record({ [LIVE]: value, [STATIC]: value }, { requiredKeys: [STATIC] });
  fc.assert(
    fc.property(
      wanted,
      fc.array(fc.record({ wanted, steps: fc.nat({ max: 6 }) }), { maxLength: 6 }),
      (first, edits) => {
        const world: World = { started: { ...first }, over: {}, recorded: new Map() };
        // An `up` that was broken off leaves the state as it was.
        const former = print({ ...first });
        for (const edit of edits) up(world, edit.wanted, former, edit.steps);
        const last = (edits.at(-1)?.wanted ?? first) as Record<string, string>;
        up(world, last, former, 99);
        const effective = { ...world.started };
        for (const [key, over] of Object.entries(world.over)) effective[key] = over;
        expect(effective).toEqual(last);
        for (const key of Object.keys(world.over)) {
          expect([...(world.recorded.get(key) ?? [])]).toEqual([world.over[key]]);
          expect(world.over[key]).not.toBe(world.started[key]);
        }
      },
    ),
  );
});
