import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { makeFigures } from "../../../../payloads/alerting/figures";
import {
  Outbox,
  type Output,
  type OutboxLimits,
  Refusal,
} from "../../../../payloads/alerting/outbox";
import { loadState, type SavedState, StateFile } from "../../../../payloads/alerting/state-file";
import { waitFor } from "../../../support/wait";
import { core } from "./rules";

const LIMITS: OutboxLimits = {
  ...{ capacity: 5, firstPauseMs: 5, mostPauseMs: 10, giveUpMs: 3_600_000 },
};

const alertOf = (id: string, at = new Date().toISOString()): Alert => ({
  ...{ id, status: "firing", rule: "r", type: "threshold", severity: "warning", subject: "s" },
  ...{ summary: "", value: 1, since: at, at, told: 1, members: [] },
});

/** An output that fails as it is told to, before it takes all. */
class Scripted implements Output {
  readonly name = "scripted";
  readonly taken: string[] = [];
  tries = 0;
  constructor(private readonly failures: (Error | "hang")[] = []) {}

  deliver(alert: Alert): Promise<void> {
    this.tries += 1;
    const failure = this.failures.shift();
    if (failure === "hang") return new Promise(() => {});
    if (failure !== undefined) return Promise.reject(failure);
    this.taken.push(alert.id);
    return Promise.resolve();
  }
}

function open(output: Output, saved = () => Promise.resolve(), limits = LIMITS) {
  const registry = new Registry();
  const outbox = new Outbox(output, [], saved, makeFigures(registry), () => {}, limits);
  return { outbox, registry };
}

const taken = (output: Scripted, count: number): Promise<unknown> =>
  waitFor(`${count} alerts`, () => Promise.resolve(output.taken.length >= count || undefined), {
    deadlineMs: 5000,
    pauseMs: 2,
  });

test("what fails is tried again, in order; its trouble shows until it is through", async () => {
  const output = new Scripted([new Error("down"), new Error("down")]);
  const { outbox } = open(output, undefined, { ...LIMITS, firstPauseMs: 60, mostPauseMs: 60 });
  outbox.push([alertOf("1"), alertOf("2")]);
  await waitFor("trouble", () => Promise.resolve(outbox.trouble()), { pauseMs: 2 });
  expect(outbox.trouble()).toBe("alerts do not go out by scripted: down");
  await taken(output, 2);
  expect(output.taken).toEqual(["1", "2"]);
  expect(outbox.trouble()).toBeUndefined();
  await outbox.stop(100);
});

test("what is refused, or fails for too long, is given up: the next one's turn", async () => {
  const output = new Scripted([new Refusal("no"), ...Array<Error>(1000).fill(new Error("down"))]);
  const { outbox, registry } = open(output, undefined, { ...LIMITS, giveUpMs: 100 });
  outbox.push([alertOf("1"), alertOf("2")]);
  await waitFor("an end", () => Promise.resolve(outbox.waiting().length === 0 || undefined), {
    ...{ deadlineMs: 5_000, pauseMs: 2 },
  });
  expect(output.taken).toEqual([]);
  expect(output.tries).toBeGreaterThan(3);
  expect(await registry.metrics()).toContain('{output="scripted",outcome="failed"} 2');
  await outbox.stop(100);
});

test("a clock that is set costs no alert its tries", async () => {
  // Made before the host's clock was set, by a time server that was hours ahead of it.
  const early = alertOf("early", new Date(Date.now() - 40_000_000).toISOString());
  const output = new Scripted([new Error("down"), new Error("down")]);
  const { outbox } = open(output);
  outbox.push([early]);
  await taken(output, 1);
  expect(output.taken).toEqual(["early"]);
  await outbox.stop(100);
});

test("of too many the oldest are dropped, but for the one that is on its way", async () => {
  const output = new Scripted(["hang"]);
  const { outbox, registry } = open(output);
  outbox.push(["1", "2", "3", "4", "5", "6", "7"].map((id) => alertOf(id)));
  expect(outbox.waiting().map(({ id }) => id)).toEqual(["1", "4", "5", "6", "7"]);
  expect(await registry.metrics()).toContain('{output="scripted",outcome="dropped"} 2');
  // It hangs, and is let go; what is left stays for the next start.
  await waitFor("a try", () => Promise.resolve(output.tries > 0 || undefined), { pauseMs: 2 });
  await outbox.stop(20);
  expect(outbox.waiting()).toHaveLength(5);
});

test("nothing is told before it is written down", async () => {
  let write = (): void => {};
  const output = new Scripted();
  const { outbox } = open(output, () => new Promise((resolve) => (write = resolve)));
  write();
  await new Promise((resolve) => setTimeout(resolve, 10));
  outbox.push([alertOf("1")]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(output.tries).toBe(0);
  write();
  await taken(output, 1);
  write();
  await outbox.stop(100);
});

describe("the state's file", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pi-lab-state-"));
    file = join(folder, "state.json");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const state = (readMs: number): SavedState => ({
    ...{ version: 1, readMs, core: core().snapshot(), queues: { webhook: [alertOf("1")] } },
  });

  test("is what was saved last, and whole; nothing is left beside it", async () => {
    let now = 0;
    const errors: (Error | undefined)[] = [];
    const disk = new StateFile(
      file,
      () => state(++now),
      (error) => errors.push(error),
    );
    await Promise.all([disk.save(), disk.save(), disk.save()]);
    await disk.save();
    expect(await loadState(file, () => {})).toEqual({
      ...state(now),
      queues: { webhook: [expect.objectContaining({ id: "1" }) as Alert] },
    });
    // Those who ask while one is written share the next.
    expect(now).toBe(3);
    expect(errors.every((error) => error === undefined)).toBe(true);
    expect(readdirSync(folder)).toEqual(["state.json"]);
  });

  test("that cannot be written is told of, and keeps nobody waiting", async () => {
    const errors: (Error | undefined)[] = [];
    const disk = new StateFile(
      join(folder, "none", "x"),
      () => state(1),
      (e) => errors.push(e),
    );
    await disk.save();
    expect(errors[0]?.message).toContain("ENOENT");
  });

  test.each(["", "{", '{"version":2}', "null"])("%j is put aside, and told of", async (text) => {
    writeFileSync(file, text);
    const told: string[] = [];
    expect(await loadState(file, (level) => told.push(level))).toBeUndefined();
    expect(told).toEqual(["error"]);
    expect(readFileSync(`${file}.unusable`, "utf8")).toBe(text);
  });

  test("that is not there is none", async () => {
    expect(await loadState(file, () => {})).toBeUndefined();
  });
});
