import { type Config, SimLab } from "../../../support/sim/sim-lab";
import type { SimMachine } from "../../../support/sim/sim-machine";

/** What serves on machines, or at addresses, that a node has left and that are others' by now. */

let lab: SimLab;
jest.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number) => {
    lab.sleep(ms);
    await Promise.resolve();
  },
}));

const START: Config = ["pi-1", "pi-2", "pi-3"];
const SWAPPED: Config = ["pi-1", "pi-4", "pi-3"];

beforeEach(async () => {
  jest.spyOn(Date, "now").mockImplementation(() => lab.now());
  lab = new SimLab();
  for (let n = 1; n <= 5; n++) lab.add(`pi-${n}`, `10.0.42.${n}`);
  await lab.up(START);
});
afterEach(() => expect(lab.violations).toEqual([]));

/** A controller of another cluster, as far as this one can tell: something that answers. */
function serveOthers(machine: SimMachine): void {
  const properties = { "node.id": "77", "process.roles": "controller" };
  const want = { properties, files: {}, version: "4.1.1" };
  machine.isOn = true;
  machine.process = { nodeId: 77, directoryId: "another", want, startedMs: 0 };
}

test("another machine at a former address, with Kafka, keeps nothing from being done", async () => {
  lab.machine("pi-2").loseItsPower();
  lab.sleep(20_000);
  await lab.up(SWAPPED);
  const stranger = lab.add("stranger", "10.0.42.2");
  serveOthers(stranger);
  lab.machine("pi-1").loseItsPower();
  lab.machine("pi-1").isOn = true;
  await lab.refresh();
  await expect(lab.up(SWAPPED)).resolves.toEqual(["rollout"]);
  expect(lab.running.sort()).toEqual(["pi-1", "pi-3", "pi-4", "stranger"]);
  // Nor a further swap of the node that was there once.
  await lab.up(["pi-1", "pi-5", "pi-3"]);
  expect(lab.running.sort()).toEqual(["pi-1", "pi-3", "pi-5", "stranger"]);
  expect(stranger.hold).toBeUndefined();
});

test("a machine that serves another cluster since is neither stopped nor held", async () => {
  await lab.up(SWAPPED);
  const pi2 = lab.machine("pi-2");
  expect(pi2.hold).toBeDefined();
  // It was given to another lab, whose stack lifted the hold.
  Object.assign(pi2, { disk: "another", clusterId: "another", hold: undefined });
  serveOthers(pi2);
  lab.machine("pi-1").loseItsPower();
  lab.machine("pi-1").isOn = true;
  await lab.refresh();
  await expect(lab.up(SWAPPED)).resolves.toEqual(["rollout"]);
  expect(lab.running.sort()).toEqual(["pi-1", "pi-2", "pi-3", "pi-4"]);
  // Also while it is off for a moment, so that its next boot brings its Kafka back.
  pi2.process = undefined;
  lab.machine("pi-1").loseItsPower();
  lab.machine("pi-1").isOn = true;
  await lab.refresh();
  await lab.up(SWAPPED);
  expect(pi2.hold).toBeUndefined();
});
