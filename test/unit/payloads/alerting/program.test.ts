import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import type { AlertingConfig } from "../../../../model";
import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { startAlerting } from "../../../../payloads/alerting/program";
import type { SavedState } from "../../../../payloads/alerting/state-file";
import { freePorts } from "../../../support/kafka/kafka-cluster";
import { waitFor } from "../../../support/wait";
import { core } from "./rules";

/** Nothing that it watches, and an output that nobody answers. */
const configOf = (port: number): AlertingConfig => ({
  ...{ host: "data-1", endpoint: { address: "127.0.0.1", port: 0 } },
  kafka: { bootstrapServers: ["127.0.0.1:1"] },
  ...{ telemetryTopics: [], brokers: [], topics: [], bridges: [], groups: [] },
  rules: [{ name: "broker-down", type: "broker-down", severity: "critical", forSeconds: 0 }],
  ...{ periodSeconds: 3600, lateSeconds: 10 },
  outputs: { webhook: { url: `http://127.0.0.1:${port}/hook` } },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pi-lab-alerting-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start() {
  const [port = 0] = await freePorts(1);
  const lines: string[] = [];
  const ground = {
    log: (level: string, message: string) => void lines.push(`${level} ${message}`),
    metrics: new Registry(),
    signal: new AbortController().signal,
  };
  return { lines, running: await startAlerting(configOf(port), ground, folder) };
}

test("a start is well, and tells of nothing", async () => {
  const { lines, running } = await start();
  expect(running.health()).toBeUndefined();
  await running.stop();
  expect([running.health(), lines]).toEqual([undefined, []]);
});

test("what an output had not taken is tried again, and is still written down", async () => {
  const at = new Date().toISOString();
  const alert: Alert = {
    ...{ id: `r/s@${at}`, status: "firing", rule: "r", type: "threshold", severity: "warning" },
    ...{ subject: "s", summary: "", value: 1, since: at, at, told: 1, members: [] },
  };
  const file = join(folder, "state.json");
  const state = { version: 1, readMs: undefined, core: core().snapshot() } as const;
  writeFileSync(file, JSON.stringify({ ...state, queues: { webhook: [alert] } }));
  const { lines, running } = await start();
  await waitFor("a try", () => Promise.resolve(running.health()), { deadlineMs: 5000, pauseMs: 5 });
  expect(running.health()).toBe("alerts do not go out by webhook: ECONNREFUSED");
  await running.stop();
  expect(lines).toEqual(["warn an output does not take alerts"]);
  expect((JSON.parse(readFileSync(file, "utf8")) as SavedState).queues).toEqual({
    webhook: [alert],
  });
});
