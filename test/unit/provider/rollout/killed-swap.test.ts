import { type Config, type Cut, directoryOf, SimLab } from "../../../support/sim/sim-lab";

/**
 * A swap that is cut off, at each step that it takes, and what the next `up` makes of it. Machines, cluster and
 * time are stand-ins in memory; the gate and the rollout are the provider's own.
 */

let lab: SimLab;
jest.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number) => {
    lab.sleep(ms);
    await Promise.resolve();
  },
}));

afterEach(() => expect(lab.violations).toEqual([]));
beforeEach(async () => {
  jest.spyOn(Date, "now").mockImplementation(() => lab.now());
  await begin();
});

const START: Config = ["pi-1", "pi-2", "pi-3"];
const on = (machine: string): Config => ["pi-1", machine, "pi-3"];

/** Nodes that run, and two machines that are none yet. */
async function begin(start = START): Promise<void> {
  lab = new SimLab();
  for (let n = 1; n <= start.length + 2; n++) lab.add(`pi-${n}`, `10.0.42.${n}`);
  await lab.up(start);
  expect(lab.running).toEqual([...start]);
}

/** One more `up`, which may fail as a killed one's lease has to end; then all is as configured. */
async function expectConverged(config: Config): Promise<void> {
  await lab.up(config);
  expect(lab.violations).toEqual([]);
  expect(lab.running.sort()).toEqual([...config].sort());
  const { voters } = lab.cluster;
  expect(new Set(voters.map(({ directoryId }) => directoryId))).toEqual(
    new Set(config.map(directoryOf)),
  );
  expect(lab.known("rollout").outputs).toEqual(lab.known("rollout").inputs);
  for (const { name, isOn, isEnabled, disk, hold } of lab.machines) {
    if (!isOn || disk === undefined) continue;
    const expected = config.includes(name) ? [true, "free"] : [false, "held"];
    expect([name, isEnabled, hold === undefined ? "free" : "held"]).toEqual([name, ...expected]);
  }
  const dials = lab.machines.map((one) => one.dials);
  await expect(lab.up(config)).resolves.toEqual([]);
  expect(lab.machines.map((one) => one.dials)).toEqual(dials);
}

test("a swap takes the steps in their order", async () => {
  await expect(lab.up(on("pi-4"))).resolves.toEqual(["gate", "rollout"]);
  const done = lab.steps.filter((step) => !/look|watch|lease|reading/.test(step));
  expect(done).toEqual([
    "pi-4: formatting",
    "pi-2: holding Kafka",
    "pi-2: stopping what is held",
    "pi-4: starting Kafka",
    `remove voter 2 ${directoryOf("pi-2")}`,
    `add voter 2 ${directoryOf("pi-4")}`,
  ]);
  await expectConverged(on("pi-4"));
});

/** Cuts the way there off at each of its steps, and has `next` see what can be made of it. */
async function cutEverywhere(
  how: Cut["how"],
  befall: () => void,
  next: () => Promise<void>,
): Promise<void> {
  befall();
  await lab.up(on("pi-4"));
  const steps = [...lab.steps];
  expect(steps.length).toBeGreaterThan(30);
  // A run that is killed before a step is one that was killed after the last.
  const places = how === "kill" ? (["before"] as const) : (["before", "after"] as const);
  for (const [index, step] of steps.entries()) {
    for (const when of places) {
      await begin();
      befall();
      try {
        await lab.up(on("pi-4"), { at: index + 1, when, how }).catch((error: unknown) => {
          if (how === "kill") throw error;
        });
        await next();
      } catch (error) {
        const cause = { cause: error };
        throw new Error(`cut off ${when} step ${index + 1} (${step}): ${String(error)}`, cause);
      }
    }
  }
}

const nothing = (): void => undefined;
const refresh = (): Promise<void> => lab.refresh();
const noRefresh = (): Promise<void> => Promise.resolve();
const pi2Dies = (): void => lab.machine("pi-2").loseItsPower();
const FORMER = [
  ["lives", nothing],
  ["is dead", pi2Dies],
] as const;

describe.each([
  ["goes on", "pi-4"],
  ["takes the edit back", "pi-2"],
  ["aims at a third machine", "pi-5"],
])("killed anywhere, and the next `up` %s", (_what, target) => {
  test.each(FORMER)("while the former machine %s", async (_state, befall) => {
    await cutEverywhere("kill", befall, async () => {
      // It is repaired, and boots with what it has: perhaps beside the new one.
      if (target === "pi-2" && !lab.machine("pi-2").isOn) lab.machine("pi-2").boot();
      await expectConverged(on(target));
    });
  });
});

test("killed twice, at the same step, on the way there and on the way back", async () => {
  await cutEverywhere("kill", nothing, async () => {
    const at = lab.steps.length;
    await lab.up(on("pi-2"), { at, when: "after", how: "kill" });
    await expectConverged(on("pi-4"));
  });
});

test("killed anywhere, and refreshed before the next `up`", async () => {
  await cutEverywhere("kill", nothing, async () => {
    await lab.refresh();
    await expectConverged(on("pi-4"));
  });
});

describe("failed anywhere", () => {
  test.each([
    ["the next `up` goes on", "pi-4", noRefresh],
    ["the next `up` takes the edit back", "pi-2", noRefresh],
    ["a refresh hides nothing from the next `up`", "pi-4", refresh],
    ["a refresh hides nothing from one that takes the edit back", "pi-2", refresh],
  ])("%s", async (_what, target, between) => {
    await cutEverywhere("lost", nothing, async () => {
      await between();
      await expectConverged(on(target));
    });
  });
});

describe("with its host renamed in the same edit", () => {
  const renamed = (): void => lab.rename("broker-2", "kafka-2");

  test.each([
    ["killed", "kill", "takes the move back", "pi-2"],
    ["failed", "lost", "goes on", "pi-4"],
  ] as const)(
    "%s (%s) anywhere, and after a refresh the next `up` %s",
    async (_w, how, _what, target) => {
      await cutEverywhere(how, renamed, async () => {
        await refresh();
        await expectConverged(on(target));
      });
    },
  );

  test("a refresh after a failure keeps where the node was left", async () => {
    renamed();
    const cut: Cut = { at: "pi-2: holding Kafka", when: "before", how: "lost" };
    await expect(lab.up(on("pi-4"), cut)).rejects.toThrow(/lost/);
    const { outputs } = lab.known("rollout");
    await lab.refresh();
    expect(lab.known("rollout").outputs).toEqual(outputs);
  });
});

test("a new card in the old Pi: what answers at its address is the new one's", async () => {
  const newCard = (): void => {
    pi2Dies();
    lab.add("pi-4b", "10.0.42.2");
  };
  await begin();
  newCard();
  await lab.up(on("pi-4b"));
  const { length } = lab.steps;
  for (let at = 1; at <= length; at++) {
    await begin();
    newCard();
    await lab.up(on("pi-4b"), { at, when: "after", how: "kill" });
    await expectConverged(on("pi-4b"));
  }
});

test("a machine that was dead at the swap is held by the next run that does anything, and asked after by no other", async () => {
  pi2Dies();
  await lab.up(on("pi-4"));
  expect(lab.warnings.join()).toMatch(/former machine \(10\.0\.42\.2\) does not answer/);
  const pi2 = lab.machine("pi-2");
  const { dials } = pi2;
  pi2.boot();
  await expect(lab.up(on("pi-4"))).resolves.toEqual([]);
  expect(pi2.dials).toBe(dials);
  expect(lab.running.sort()).toEqual(["pi-1", "pi-2", "pi-3", "pi-4"]);

  // Any work will do.
  lab.machine("pi-1").loseItsPower();
  lab.machine("pi-1").isOn = true;
  await lab.refresh();
  await expect(lab.up(on("pi-4"))).resolves.toEqual(["rollout"]);
  expect(lab.running.sort()).toEqual(["pi-1", "pi-3", "pi-4"]);
  expect(pi2.hold).toMatch(/^broker-2 was given another machine or disk; pi-lab holds Kafka here/);
});

test("while its machine is down a node that runs on a former one is moved, not started beside it", async () => {
  pi2Dies();
  await lab.up(on("pi-4"));
  lab.machine("pi-4").loseItsPower();
  lab.sleep(20_000);
  lab.machine("pi-2").boot();
  lab.sleep(20_000);
  lab.machine("pi-4").isOn = true;
  await lab.refresh();
  await expectConverged(on("pi-4"));
});

test.each([
  ["follows", 1],
  ["leads", 2],
])(
  "a node that no known machine runs, and that %s the quorum, is not started",
  async (_what, leader) => {
    lab.cluster.favourite = leader;
    const stranger = lab.add("stranger", "10.0.42.99");
    const pi2 = lab.machine("pi-2");
    stranger.staged = pi2.staged;
    stranger.disk = pi2.disk;
    stranger.isEnabled = true;
    pi2Dies();
    lab.sleep(20_000);
    stranger.boot();
    pi2.isOn = true;
    await lab.refresh();
    await expect(lab.up(START)).rejects.toThrow(
      /broker-2: waited 60 s for the cluster to let go of broker-2's last process: its broker is still counted in\. It does not run on its machine \(10\.0\.42\.2\), so it runs on one that this stack does not know/,
    );
    expect(pi2.process).toBeUndefined();
    stranger.loseItsPower();
    await lab.up(START);
    expect(lab.running).toEqual([...START]);
  },
);

/** Killed once the node was started on its new machine. */
const STARTED: Cut = { at: "pi-4: starting Kafka", when: "after", how: "kill" };

test("a former machine that lets nobody in is an error, and nothing is started", async () => {
  const pi4 = lab.machine("pi-4");
  await lab.up(on("pi-4"), STARTED);
  expect(lab.running).toEqual(["pi-1", "pi-3", "pi-4"]);
  pi4.letsIn = false;
  await expect(lab.up(on("pi-2"))).rejects.toThrow(
    /broker-2: its former machine pi-4 \(10\.0\.42\.4\) answers, but lets nobody in/,
  );
  expect(lab.running).toEqual(["pi-1", "pi-3", "pi-4"]);
});

test("a hold that was cut off before its stop is lifted where the node stays", async () => {
  await lab.up(on("pi-4"), STARTED);
  const cut: Cut = { at: "pi-4: stopping what is held", when: "before", how: "kill" };
  await lab.up(on("pi-2"), cut);
  const { hold, process } = lab.machine("pi-4");
  expect(hold).toEqual(expect.any(String));
  await expectConverged(on("pi-4"));
  expect(lab.machine("pi-4").process).toBe(process);
});

test("a taken back edit is shown in the preview, and leaves nothing to do once it is done", async () => {
  await lab.up(on("pi-4"), STARTED);
  await expect(lab.preview(on("pi-2"))).resolves.toEqual(["nodes.broker-2.former"]);
  await expectConverged(on("pi-2"));
  await expect(lab.preview(on("pi-2"))).resolves.toEqual([]);
  // And the same once more, where the state knows that machine as a fenced one already.
  await lab.up(on("pi-4"), STARTED);
  await expect(lab.preview(on("pi-2"))).resolves.toEqual(["nodes.broker-2.former.swaps"]);
  await expectConverged(on("pi-2"));
});

test("what is left of a change of the voters is told by a refresh, and gone once it is made", async () => {
  const removal = `remove voter 2 ${directoryOf("pi-2")}`;
  await expect(lab.up(on("pi-4"), { at: removal, when: "after", how: "lost" })).rejects.toThrow(
    /lost/,
  );
  const unfinished = {
    "broker-2": [
      `node 2 is still to join the quorum's voters, with directory ${directoryOf("pi-4")}`,
    ],
  };
  expect(lab.known("rollout").outputs).toMatchObject({ unfinished });
  await lab.refresh();
  expect(lab.known("rollout").outputs).toMatchObject({ unfinished });
  await expect(lab.preview(on("pi-4"))).resolves.toEqual(["unfinished"]);
  await expectConverged(on("pi-4"));
  expect(lab.known("rollout").outputs).not.toHaveProperty("unfinished");
});

test("a machine that another node has by now is not held for the node that left it", async () => {
  await begin(["pi-1", "pi-2", "pi-3", "pi-4", "pi-5"]);
  // Its disk is emptied under its living process; node 2 takes it over, and node 3 goes elsewhere.
  lab.machine("pi-3").disk = undefined;
  await expectConverged(["pi-1", "pi-3", "pi-6", "pi-4", "pi-5"]);
});
