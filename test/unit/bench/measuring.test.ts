import { Interrupted, type MeasuredRun } from "../../../bench/bench-lab";
import { measures } from "../../../bench/measures";
import { expecting, Measuring } from "../../../bench/measuring";

const abort = new AbortController();
const log: string[] = [];

function measuring(signal = new AbortController().signal): Measuring {
  return new Measuring({
    name: "bench-0",
    folder: "/nowhere",
    subnet: "10.0.0.0/24",
    engine: { bin: "pulumi", env: {} },
    dockerHost: "unix:///nowhere",
    image: "pi",
    archive: "/kafka.tgz",
    runs: 1,
    dataMib: 1,
    topics: 1,
    deadlineMs: 1000,
    signal,
    log: (line) => log.push(line),
  });
}

describe("Measuring", () => {
  it("keeps what was measured when a measurement fails, and goes on", async () => {
    const all = measuring();
    await all.take("cold", () => Promise.resolve({ seconds: 3 }));
    const failed = await all.take("up", () => Promise.reject(new Error("pulumi up did not end")));
    await all.take("cold", () => Promise.resolve({ seconds: 5 }));
    expect(failed).toBeUndefined();
    expect(all.samples).toEqual({ cold: [3, 5] });
    expect(all.failures).toEqual([{ what: measures.up.title, reason: "pulumi up did not end" }]);
    expect(log).toContain(`FAILED: ${measures.up.title}: pulumi up did not end`);
  });

  it("looks how busy the machine is before each measurement", async () => {
    const all = measuring();
    await all.take("cold", () => Promise.resolve({ seconds: 3 }));
    all.sample("up", 1);
    expect(all.busyCores).toHaveLength(1);
  });

  it("ends where the user asks for it, whatever fails then", async () => {
    const all = measuring(abort.signal);
    const work = all.take("up", () => {
      abort.abort();
      return Promise.reject(new Error("killed"));
    });
    await expect(work).rejects.toThrow(Interrupted);
    expect(all.failures).toEqual([]);
    await expect(all.trying("next", () => Promise.resolve())).rejects.toThrow(Interrupted);
  });
});

describe("expecting", () => {
  const run = (changes: Record<string, number>): MeasuredRun => ({
    seconds: 1,
    startedMs: 0,
    changes,
    events: [],
  });

  it("passes a run that changed what it was to change, and refuses another", () => {
    expect(expecting(run({ same: 60, update: 1 }), { update: 1 }).seconds).toBe(1);
    expect(() => expecting(run({ same: 60, update: 2 }), { update: 1 })).toThrow(
      'to change {"update":1} and changed {"update":2}',
    );
  });
});
