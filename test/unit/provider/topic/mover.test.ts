import fc from "fast-check";

import type { CallContext } from "../../../../plugins/common/rpc";
import { CancelledError, EngineGoneError } from "../../../../plugins/common/rpc";
import type { KafkaAdmin } from "../../../../provider/admin/port";
import type { Placement, ReplicaWant } from "../../../../provider/topic/assignment";
import { brokerLoads, meets, planMoves } from "../../../../provider/topic/assignment";
import { MoveError, Mover } from "../../../../provider/topic/mover";
import { BrokerThrottle } from "../../../../provider/topic/throttle";
import { ModelCluster } from "../../../support/kafka/model-cluster";

const BROKERS = [1, 2, 3, 4, 5];
const RATE = 1_000;
/** The model needs no time; what is waited for in vain is not to take long. */
const TIMES = { intervalMs: 0, stallMs: 400, promptMs: 400 };
const MIN_ISR = 2;

interface Case {
  readonly placement: Placement;
  readonly want: ReplicaWant;
}

const places = (factor: number, count: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.shuffledSubarray(BROKERS, { minLength: factor, maxLength: factor }), {
    minLength: count,
    maxLength: count,
  });

/** A topic, and what is wanted of it: another factor, another placement, or both. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    count: fc.integer({ min: 1, max: 13 }),
    factor: fc.integer({ min: 1, max: 4 }),
    wanted: fc.integer({ min: MIN_ISR, max: 4 }),
    isPlaced: fc.boolean(),
  })
  .chain(({ count, factor, wanted, isPlaced }) =>
    fc.record({
      placement: places(factor, count),
      want: (isPlaced ? places(wanted, count) : fc.constant(undefined)).map((placement) => ({
        replicationFactor: wanted,
        placement,
      })),
    }),
  );

class Run {
  readonly abort = new AbortController();
  readonly throttle: BrokerThrottle;
  readonly lines: string[] = [];
  private readonly mover: Mover;

  constructor(
    want: ReplicaWant,
    admin: KafkaAdmin,
    topic = "red",
    throttle = new BrokerThrottle(
      () => admin,
      () => RATE,
    ),
  ) {
    this.throttle = throttle;
    const context: CallContext = {
      signal: this.abort.signal,
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: () => undefined,
        status: (line) => this.lines.push(line),
      },
    };
    this.mover = new Mover(topic, want, admin, this.throttle, context, TIMES);
  }

  end(): Promise<void> {
    return this.mover.run(MIN_ISR);
  }

  /** Undefined where it ended well. */
  failure(): Promise<unknown> {
    return this.end().then(
      () => undefined,
      (error: unknown) => error,
    );
  }
}

const planned = (cluster: ModelCluster, want: ReplicaWant) =>
  planMoves(want, {
    topic: "red",
    partitions: cluster.state,
    reassignments: cluster.moving,
    brokers: brokerLoads(cluster.registered, [{ topic: "red", partitions: cluster.state }]),
    minInsyncReplicas: MIN_ISR,
  });

/** All is where it is wanted, nothing moves, and nothing is left behind. */
function expectDone(cluster: ModelCluster, want: ReplicaWant): void {
  expect(cluster.placement.filter((replicas, i) => !meets(want, i, replicas))).toEqual([]);
  expectTidy(cluster);
  if (want.placement !== undefined) {
    expect(cluster.leaders).toEqual(want.placement.map(([first]) => first));
  }
  expect(planned(cluster, want)).toEqual({ moves: [], underWay: [], takeBack: [], refusals: [] });
}

function expectTidy(cluster: ModelCluster): void {
  expect(cluster.moving).toEqual([]);
  expect(cluster.config).toEqual({});
  expect([...cluster.rates]).toEqual([]);
  expect(cluster.faults).toEqual([]);
}

/**
 * An admin whose process ends at its call number `at`, before or after the cluster has done what it was
 * asked to. Nothing gets out of it any more from then on.
 */
function endingAt(admin: KafkaAdmin, at: number, after: boolean, end: () => void): KafkaAdmin {
  let calls = 0;
  const ended = (): never => {
    throw new EngineGoneError("the engine has ended");
  };
  return new Proxy(admin, {
    get:
      (target, method: keyof KafkaAdmin) =>
      async (...args: never[]) => {
        const call = calls++;
        if (call > at || (call === at && !after)) {
          end();
          return ended();
        }
        const answer: unknown = await (target[method] as (...args: never[]) => unknown)(...args);
        if (call < at) return answer;
        end();
        return ended();
      },
  });
}

const ARGUMENTS = { numRuns: 60 };

test("reaches the goal, never below min ISR, throttled, and plans nothing afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ placement, want }) => {
      const cluster = new ModelCluster(BROKERS, placement, MIN_ISR);
      await new Run(want, cluster.admin()).end();
      expectDone(cluster, want);
      // What is done already is looked at, and nothing is changed.
      cluster.asked.length = 0;
      await new Run(want, cluster.admin()).end();
      expect(cluster.asked).toEqual(expect.not.arrayContaining(["reassign", "alterTopicConfig"]));
    }),
    ARGUMENTS,
  );
});

test("killed at any call, before or after the cluster heard of it, it is resumed", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.nat(60), fc.boolean(), async ({ placement, want }, at, after) => {
      const cluster = new ModelCluster(BROKERS, placement, MIN_ISR);
      const admin = cluster.admin();
      const killed: Run = new Run(
        want,
        endingAt(admin, at, after, () => killed.abort.abort(new EngineGoneError("gone"))),
      );
      const failure = await killed.failure();
      expect(failure === undefined || failure instanceof EngineGoneError).toBe(true);
      await new Run(want, admin).end();
      expectDone(cluster, want);
    }),
    ARGUMENTS,
  );
});

test("killed, and then wanted otherwise: what leads elsewhere is taken back first", async () => {
  await fc.assert(
    fc.asyncProperty(cases, cases, fc.nat(60), async ({ placement, want }, other, at) => {
      const second = { ...other.want, placement: undefined };
      const cluster = new ModelCluster(BROKERS, placement, MIN_ISR, 50);
      const admin = cluster.admin();
      const killed: Run = new Run(
        want,
        endingAt(admin, at, true, () => killed.abort.abort(new EngineGoneError("gone"))),
      );
      await killed.failure();
      await new Run(second, admin).end();
      expectDone(cluster, second);
    }),
    ARGUMENTS,
  );
});

test("cancelled at any moment, it takes back what is under way and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.nat(60), async ({ placement, want }, at) => {
      const cluster = new ModelCluster(BROKERS, placement, MIN_ISR, 100);
      const admin = cluster.admin();
      let calls = 0;
      const run: Run = new Run(
        want,
        new Proxy(admin, {
          get:
            (target, method: keyof KafkaAdmin) =>
            (...args: never[]) => {
              if (calls++ === at) run.abort.abort(new CancelledError("cancelled by the user"));
              return (target[method] as (...args: never[]) => unknown)(...args);
            },
        }),
      );
      const failure = await run.failure();
      expect(failure === undefined || failure instanceof MoveError).toBe(true);
      expectTidy(cluster);
      // Each partition is where it was, in its order, or where it is wanted.
      for (const [i, replicas] of cluster.placement.entries()) {
        const isKept = replicas.join() === placement[i]!.join();
        expect(isKept || meets(want, i, replicas)).toBe(true);
      }
      await new Run(want, admin).end();
      expectDone(cluster, want);
    }),
    ARGUMENTS,
  );
});

test("two updaters at once, in two processes, reach the goal and remove each other's throttle never too early", async () => {
  const pauses = fc.array(fc.nat(5), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(cases, pauses, pauses, async ({ placement, want }, one, two) => {
      const cluster = new ModelCluster(BROKERS, placement, MIN_ISR, 100);
      const runs = [new Run(want, cluster.admin(one)), new Run(want, cluster.admin(two))];
      const failures = await Promise.all(runs.map((run) => run.failure()));
      for (const failure of failures) {
        expect(failure === undefined || failure instanceof MoveError).toBe(true);
      }
      await new Run(want, cluster.admin()).end();
      expect(cluster.moving).toEqual([]);
      expect(cluster.config).toEqual({});
      expect(cluster.placement.filter((replicas, i) => !meets(want, i, replicas))).toEqual([]);
    }),
    ARGUMENTS,
  );
});

test("what someone else leads elsewhere meanwhile is not taken back with its own", async () => {
  const model = new ModelCluster(BROKERS, [[1, 2]], MIN_ISR, 1);
  const theirs = model.admin();
  const admin: KafkaAdmin = {
    ...theirs,
    reassign: async (topic, targets) => {
      await theirs.reassign(topic, targets);
      await theirs.reassign(topic, new Map([[0, [4, 5]]]));
      run.abort.abort(new CancelledError("cancelled"));
    },
  };
  const run = new Run({ replicationFactor: 2, placement: [[3, 4]] }, admin);
  await expect(run.end()).rejects.toThrow(/^cancelled$/);
  expect(await theirs.listReassignments()).toMatchObject([{ adding: [4, 5], removing: [1, 2] }]);
});

test("a broker that dies and comes back: it goes on, or tells what it waited for and is tidy after the next run", async () => {
  await fc.assert(
    fc.asyncProperty(
      cases,
      fc.constantFrom(...BROKERS),
      fc.nat(30),
      fc.nat(40),
      async ({ placement, want }, broker, from, span) => {
        const cluster = new ModelCluster(BROKERS, placement, MIN_ISR, 100);
        const admin = cluster.admin();
        let calls = 0;
        const faulty = new Proxy(admin, {
          get:
            (target, method: keyof KafkaAdmin) =>
            (...args: never[]) => {
              if (calls === from) cluster.stop(broker);
              if (calls++ === from + span) cluster.start(broker);
              return (target[method] as (...args: never[]) => unknown)(...args);
            },
        });
        const failure = await new Run(want, faulty).failure();
        expect(failure === undefined || failure instanceof MoveError).toBe(true);
        cluster.start(broker);
        for (let i = 0; i < 20; i++) cluster.step();
        await new Run(want, admin).end();
        expect(cluster.placement.filter((replicas, i) => !meets(want, i, replicas))).toEqual([]);
        expect(cluster.moving).toEqual([]);
        expect(cluster.config).toEqual({});
        expect([...cluster.rates]).toEqual([]);
      },
    ),
    ARGUMENTS,
  );
});
