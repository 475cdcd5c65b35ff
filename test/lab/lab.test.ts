import { Neighbour } from "../support/lab/neighbour";
import { withoutDataPlane } from "../support/lab/template";
import { createTestStack } from "../support/stack";
import { processesWithEnv } from "../../scripts/lib/processes";
import { RUN_VARIABLE, readRun } from "../../scripts/lib/run-record";
import { describeChanges } from "./six-hosts/changes";
import { describeCommands } from "./six-hosts/commands";
import { describeDrift } from "./six-hosts/drift";
import { describeDyingBroker } from "./six-hosts/dying-broker";
import { describeKilledLeader } from "./six-hosts/killed-leader";
import { describePreparation } from "./six-hosts/preparation";
import { describeReplication } from "./six-hosts/replication";
import { describeLostState } from "./six-hosts/lost-state";
import { describeRename } from "./six-hosts/rename";
import type { SharedLab } from "./six-hosts/shared";
import { describeSwaps } from "./six-hosts/swap";
import { describeTopics } from "./six-hosts/topics";
import { describeUpgrade, RUN_TIME_SETTING } from "./six-hosts/upgrade";

/**
 * The exhibit's six hosts of the template and spares, brought up from nothing by the real engine over real SSH,
 * and then changed. One lab for all of it: the tests go on from each other, in this order.
 */

jest.setTimeout(600_000);

let shared: SharedLab | undefined;
let neighbour: Neighbour | undefined;
let neighbourBefore: unknown;

beforeAll(async () => {
  neighbour = await Neighbour.start();
  neighbourBefore = await neighbour.state();
  const stack = await createTestStack({
    edit: (lab) => {
      // That has a test of its own (data-plane.test.ts). Its machine is a second spare, for a second swap.
      withoutDataPlane(lab);
      // Three partitions, so that each broker leads one.
      lab.topics["red"]!.partitions = 3;
      lab.cluster.settings = { "log.retention.hours": "168", [RUN_TIME_SETTING]: "60000" };
      lab["timezone"] = "Europe/Berlin";
      // The tests' own records are alone on the clients' topics; the ring sends where its button is pressed.
      lab["ring"] = { alertsPerMinute: 0 };
    },
  });
  const outcome = stack.up();
  shared = {
    stack,
    neighbour,
    coldUp: await outcome.catch(async (error: unknown) => {
      await stack.remove().catch(() => undefined);
      throw error;
    }),
  };
});

afterAll(async () => {
  try {
    await shared?.stack.remove();
  } finally {
    await neighbour?.stop();
  }
});

function lab(): SharedLab {
  if (shared === undefined) throw new Error("the lab did not come up");
  return shared;
}

describe("from nothing", () => {
  describeReplication(lab);
  describePreparation(lab);
});

describe("used", () => {
  describeCommands(lab);
});

describe("changed", () => {
  describeChanges(lab);
  describeTopics(lab);
  describeDrift(lab);
  describeDyingBroker(lab);
  describeKilledLeader(lab);
});

describe("swapped", () => {
  describeSwaps(lab);
  describeUpgrade(lab);
});

describe("renamed, and its state lost", () => {
  describeRename(lab);
  describeLostState(lab);
});

describe("destroyed", () => {
  test("nothing of it is left: no container, network, volume or process", async () => {
    const { stack } = lab();
    expect((await stack.inDocker()).length).toBeGreaterThan(7);
    const outcome = await stack.destroy();
    expect(outcome.output).toBe("");
    expect(outcome.exitCode).toBe(0);
    await expect(stack.inDocker()).resolves.toEqual([]);
    const run = readRun(stack.folder);
    expect(run?.command).toBe("destroy");
    expect(processesWithEnv(RUN_VARIABLE, run!.runId)).toEqual([]);
    const state = JSON.parse(await stack.ask("stack", "export")) as {
      deployment: { resources?: unknown[] };
    };
    expect(state.deployment.resources ?? []).toEqual([]);
  });

  test("a lab beside it on the same machine was never touched", async () => {
    await expect(lab().neighbour.state()).resolves.toEqual(neighbourBefore);
  });
});
