import { type Config, directoryOf, SimLab, type SimRoles } from "../../../support/sim/sim-lab";

/** Swaps of nodes that are brokers alone or controllers alone, on stand-ins in memory. */

let lab: SimLab;
jest.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number) => {
    lab.sleep(ms);
    await Promise.resolve();
  },
}));

const ROLES: readonly SimRoles[] = [
  ...(["broker", "broker", "broker"] as const),
  ...(["controller", "controller", "controller"] as const),
];
const START: Config = ["pi-1", "pi-2", "pi-3", "pi-4", "pi-5", "pi-6"];
const BROKER_MOVED: Config = ["pi-1", "pi-7", "pi-3", "pi-4", "pi-5", "pi-6"];
const CONTROLLER_MOVED: Config = ["pi-1", "pi-2", "pi-3", "pi-4", "pi-8", "pi-6"];
const BOTH_MOVED: Config = ["pi-1", "pi-7", "pi-3", "pi-4", "pi-8", "pi-6"];

async function begin(roles = ROLES, start = START): Promise<void> {
  lab = new SimLab(roles);
  for (let n = 1; n <= start.length + 2; n++) lab.add(`pi-${n}`, `10.0.42.${n}`);
  await lab.up(start);
}

afterEach(() => expect(lab.violations).toEqual([]));
beforeEach(async () => {
  jest.spyOn(Date, "now").mockImplementation(() => lab.now());
  await begin();
});

async function expectConverged(config: Config): Promise<void> {
  await lab.up(config);
  expect(lab.running.sort()).toEqual([...config].sort());
  expect(lab.cluster.voters.map(({ directoryId }) => directoryId).sort()).toEqual(
    config.slice(3).map(directoryOf).sort(),
  );
  await expect(lab.up(config)).resolves.toEqual([]);
}

test("at the birth all run, and the controllers vote", () => expectConverged(START));

test.each([
  ["broker", "goes on", BROKER_MOVED, BROKER_MOVED],
  ["controller", "takes the edit back", CONTROLLER_MOVED, START],
])("the swap of a %s alone is killed anywhere, and the next `up` %s", async (_r, _w, to, next) => {
  await lab.up(to);
  const steps = [...lab.steps];
  for (const [index, step] of steps.entries()) {
    await begin();
    await lab.up(to, { at: index + 1, when: "after", how: "kill" });
    await expectConverged(next).catch((error: unknown) => {
      throw new Error(`killed after step ${index + 1} (${step}): ${String(error)}`);
    });
  }
});

test("a dead broker and a dead controller are replaced at once", async () => {
  for (const name of ["pi-2", "pi-5"]) lab.machine(name).loseItsPower();
  lab.sleep(20_000);
  await expectConverged(BOTH_MOVED);
});

test("two dead controllers of five are replaced at once", async () => {
  await begin([...ROLES, "controller", "controller"], [...START, "pi-7", "pi-8"]);
  for (const name of ["pi-4", "pi-5"]) lab.machine(name).loseItsPower();
  lab.sleep(20_000);
  await expectConverged(["pi-1", "pi-2", "pi-3", "pi-9", "pi-10", "pi-6", "pi-7", "pi-8"]);
});

test.each([
  ["combined nodes", [], ["pi-1", "pi-2", "pi-3"], ["pi-1", "pi-4", "pi-3"], "pi-4"],
  ["nodes apart", ROLES, START, CONTROLLER_MOVED, "pi-8"],
] as const)(
  "an edit is taken back while the quorum is led from a machine that the gate took for left (%s)",
  async (_what, roles, start, moved, to) => {
    await begin(roles, start);
    lab.cluster.favourite = roles.length === 0 ? 2 : 5;
    await lab.up(moved, { at: `${to}: formatting`, when: "before", how: "kill" });
    await lab.up(start);
    expect(lab.running.sort()).toEqual([...start].sort());
  },
);
