import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { Alerting, FORGET_MS } from "../../../../payloads/alerting/core/alerting";
import { at, core, hot, quick, settings, T0, weak } from "./rules";

const lines = (alerts: readonly Alert[]): string[] =>
  alerts.map(({ status, rule, subject }) => `${status} ${rule}/${subject}`);

/** Takes a temperature a second and gives what is told at each second, by its number. */
function told(alerting: Alerting, temperatures: readonly number[]): [number, string][] {
  return temperatures.flatMap((temperature, second) => {
    const now = T0 + second * 1000;
    alerting.reading(at(second, temperature), now);
    alerting.tick(now);
    return lines(alerting.take()).map((line): [number, string] => [second, line]);
  });
}

describe("a threshold", () => {
  test("fires after its duration, holds in the band, and resolves at the clear value", () => {
    const only = core({ rules: [hot] });
    expect(told(only, [81, 82, 81, 85, 78, 79, 76, 75, 70])).toEqual([
      [3, "firing hot/a"],
      [7, "resolved hot/a"],
    ]);
  });

  test("begins its duration anew where a reading is not above it", () => {
    expect(told(core({ rules: [hot] }), [81, 82, 80, 81, 82, 83, 84])).toEqual([
      [6, "firing hot/a"],
    ]);
  });

  test("does not fire for one who says no more", () => {
    const only = core({ rules: [hot] });
    told(only, [81, 82]);
    only.tick(T0 + 20_000);
    expect(only.take()).toEqual([]);
  });

  test("tells value, time and the same id to the end", () => {
    const only = core({ rules: [quick] });
    told(only, [70]);
    only.reading(at(1, 90), T0 + 1200);
    const [firing] = only.take();
    only.reading(at(2, 60), T0 + 2200);
    const [resolved] = only.take();
    expect(firing).toEqual({
      ...{ id: "quick/a@2026-11-28T20:00:01.000Z", status: "firing", rule: "quick" },
      ...{ type: "threshold", severity: "warning", subject: "a", value: 90, told: 1, members: [] },
      ...{ since: "2026-11-28T20:00:01.000Z", at: "2026-11-28T20:00:01.200Z" },
      summary: "a: temperatureC is 90 (limit 80)",
    });
    expect(resolved).toMatchObject({ id: firing?.id, status: "resolved" });
    expect(resolved?.summary).toBe("a: temperatureC is 60 again");
  });

  test("resolves where its device is gone, and where its rule is", () => {
    const only = core({ rules: [quick] });
    only.flows(true, T0);
    told(only, [90]);
    only.tick(T0 + FORGET_MS - 1);
    expect(lines(only.take()).filter((line) => line.startsWith("resolved"))).toEqual([]);
    only.tick(T0 + FORGET_MS);
    expect(lines(only.take())).toEqual(["resolved quick/a"]);

    const before = core({ rules: [quick] });
    told(before, [90]);
    const after = new Alerting({ ...settings, rules: [hot] }, before.snapshot());
    after.dropForeign((rule) => rule !== "quick", T0);
    expect(lines(after.take())).toEqual(["resolved quick/a"]);
  });

  test("takes no reading of long ago, be it that it came late or is read late", () => {
    const only = core({ rules: [quick] });
    expect(only.reading({ ...at(0, 90), arrivedMs: T0 + 10_001 }, T0 + 10_001)).toBe("late");
    expect(only.reading(at(0, 90), T0 + 60_001)).toBe("stale");
    expect(only.take()).toEqual([]);
    expect(only.reading({ ...at(0, 90), arrivedMs: T0 + 10_000 }, T0 + 10_000)).toBe("used");
    expect(only.reading({ ...at(0, 90), arrivedMs: T0 + 10_000 }, T0 + 10_000)).toBe("duplicate");
    expect(lines(only.take())).toEqual(["firing quick/a"]);
  });
});

test("a clock that was set back blinds nobody", () => {
  const only = core({ rules: [quick] });
  told(only, [70]);
  const before = { ...at(-3600, 90) };
  expect(only.reading(before, before.arrivedMs)).toBe("used");
  expect(lines(only.take())).toEqual(["firing quick/a"]);
});

describe("the period", () => {
  test("one that comes and goes is told once in it, and again after it", () => {
    const only = core({ rules: [quick] });
    const flapping = Array.from({ length: 130 }, (_, i) => (i % 10 < 5 ? 90 : 60));
    expect(told(only, flapping)).toEqual([
      [0, "firing quick/a"],
      [5, "resolved quick/a"],
      [60, "firing quick/a"],
      [65, "resolved quick/a"],
      [120, "firing quick/a"],
      [125, "resolved quick/a"],
    ]);
    expect(only.suppressed).toBe(10);
  });

  test("one that began within it is told at its end, if it still holds", () => {
    const only = core({ rules: [quick] });
    const hots = Array.from({ length: 62 }, (_, i) => (i === 5 ? 60 : 90));
    expect(told(only, hots).map(([second]) => second)).toEqual([0, 5, 60]);
  });

  test("one that stays is told again each period, with a count", () => {
    const only = core({ rules: [quick] });
    only.reading(at(0, 90), T0);
    const counts = [0, 59, 60, 119, 120].flatMap((second) => {
      only.tick(T0 + second * 1000);
      return only.take().map((alert) => `${second}: ${alert.told} ${alert.id}`);
    });
    const id = "quick/a@2026-11-28T20:00:00.000Z";
    expect(counts).toEqual([`0: 1 ${id}`, `60: 2 ${id}`, `120: 3 ${id}`]);
  });
});

describe("silence", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  /** All are heard of each second until `until`, the living go on; gives what is told and when, in tenths. */
  function run(dead: readonly string[], seconds = 20, alerting = core()): string[] {
    alerting.flows(true, T0);
    const out: string[] = [];
    for (let tenth = 0; tenth <= seconds * 10; tenth++) {
      const now = T0 + tenth * 100;
      if (tenth % 10 === 0) {
        for (const name of names) {
          if (tenth <= 30 || !dead.includes(name)) alerting.reading(at(tenth / 10, 40, name), now);
        }
      }
      alerting.tick(now);
      out.push(...lines(alerting.take()).map((line) => `${tenth / 10} ${line}`));
    }
    return out;
  }

  test("of one is told in time though the clock was set back by an hour meanwhile", () => {
    const alerting = core();
    alerting.flows(true, T0);
    for (const name of names) alerting.reading(at(0, 40, name), T0);
    // As the program does it: while time jumps nothing is known to come through.
    const back = T0 - 3_600_000;
    alerting.flows(false, back);
    alerting.tick(back);
    alerting.flows(true, back + 250);
    for (let ms = 250; ms <= 8_000; ms += 250) alerting.tick(back + ms);
    expect(lines(alerting.take())).toEqual(["firing silent/SW-008"]);
  });

  test("of one is told within 2 s after its time", () => {
    expect(run(["b"])).toEqual(["9 firing silent/b"]);
  });

  test("of all on a supply is one alert that names it, and another one's beside it is its own", () => {
    expect(run(["d", "e", "f"])).toEqual(["9 firing silent/psu-2"]);
    expect(run(["b", "d", "e", "f"])).toEqual(["9 firing silent/psu-2", "9 firing silent/b"]);
  });

  test("of all but the host that we are on is the switch's; of many of several supplies, too", () => {
    expect(run(["b", "c", "d", "e", "f"])).toEqual(["9 firing silent/SW-008"]);
    expect(run(["b", "d", "e"])).toEqual(["9 firing silent/SW-008"]);
    expect(run(names)).toEqual(["8 firing silent/SW-008"]);
  });

  test("resolves once, when all of them are back; who stays away then is told alone", () => {
    const alerting = core();
    run(["d", "e", "f"], 10, alerting);
    const [group] = alerting.raised();
    expect(group?.summary).toBe("3 of 3 hosts on the supply psu-2 are silent: d, e, f");
    const back = (second: number, ...devices: string[]) => {
      const now = T0 + second * 1000;
      for (const device of ["a", "b", "c", ...devices])
        alerting.reading(at(second, 40, device), now);
      alerting.tick(now);
      return lines(alerting.take());
    };
    expect(back(11, "d", "e")).toEqual([]);
    expect(alerting.raised().map(({ members }) => members)).toEqual([["f"]]);
    for (let second = 12; second < 131; second++) back(second, "d", "e");
    expect(back(131, "d", "e")).toEqual(["resolved silent/psu-2", "firing silent/f"]);
    expect(back(132, "d", "e", "f")).toEqual(["resolved silent/f"]);
  });

  test("of who follows is the same failure's; of who was heard of since is told by itself", () => {
    /** From each one's last second on it tells nothing. */
    const told = (lasts: Readonly<Record<string, number>>): string[] => {
      const alerting = core();
      alerting.flows(true, T0);
      return Array.from({ length: 60 }, (_, second) => second).flatMap((second) => {
        const now = T0 + second * 1000;
        for (const name of names) {
          if (second <= (lasts[name] ?? 60)) alerting.reading(at(second, 40, name), now);
        }
        alerting.tick(now);
        return lines(alerting.take()).map((line) => `${second} ${line}`);
      });
    };
    const first = { b: 3, d: 3, e: 3 };
    expect(told({ ...first, f: 7 })).toEqual(["9 firing silent/SW-008"]);
    expect(told({ ...first, f: 20 })).toEqual(["9 firing silent/SW-008", "26 firing silent/f"]);
    expect(told({ ...first, c: 20, f: 20 })).toEqual([
      "9 firing silent/SW-008",
      ...["26 firing silent/c", "26 firing silent/f"],
    ]);
  });

  test("is nobody's while nothing comes through, nor at once after that", () => {
    const alerting = core();
    run([], 3, alerting);
    alerting.flows(false, T0 + 3500);
    alerting.tick(T0 + 60_000);
    alerting.flows(true, T0 + 60_000);
    alerting.tick(T0 + 64_999);
    expect(alerting.take()).toEqual([]);
    alerting.tick(T0 + 65_000);
    expect(lines(alerting.take())).toEqual(["firing silent/SW-008"]);
  });

  test("of one that was never there is told as well", () => {
    const alerting = core();
    alerting.flows(true, T0);
    for (let second = 0; second < 8; second++) {
      for (const name of names.slice(1)) alerting.reading(at(second, 40, name), T0 + second * 1000);
      alerting.tick(T0 + second * 1000);
    }
    const [alert] = alerting.take();
    expect(alert?.summary).toBe("a has not been heard of yet");
  });
});

describe("the cluster", () => {
  test("a broker that is down, and partitions below min ISR, each once", () => {
    const alerting = core();
    const red = { topic: "red", inSync: 1, needed: 2 };
    alerting.broker("broker-1", true, T0);
    alerting.partitions([], T0);
    alerting.broker("broker-2", false, T0 + 10);
    alerting.partitions([{ ...red, partition: 0 }], T0 + 20);
    alerting.partitions(
      [
        { ...red, partition: 0 },
        { ...red, partition: 1 },
      ],
      T0 + 30,
    );
    expect(lines(alerting.take())).toEqual(["firing down/broker-2", "firing weak/cluster"]);
    const summary = alerting.raised().find(({ subject }) => subject === "cluster")?.summary;
    expect(summary).toBe(
      "2 partitions are below min ISR, and take no writes: red-0 (1 of 2), red-1 (1 of 2)",
    );
    alerting.broker("broker-2", true, T0 + 40);
    alerting.partitions([], T0 + 50);
    expect(lines(alerting.take())).toEqual(["resolved down/broker-2", "resolved weak/cluster"]);
  });

  test("waits for its duration by the clock, not by what is told", () => {
    const alerting = core({ rules: [{ ...weak, forSeconds: 5 } as typeof weak] });
    alerting.partitions([{ topic: "red", partition: 0, inSync: 0, needed: 1 }], T0);
    alerting.tick(T0 + 4999);
    expect(alerting.take()).toEqual([]);
    alerting.tick(T0 + 5000);
    expect(lines(alerting.take())).toEqual(["firing weak/cluster"]);
  });

  test("a bridge that is behind, and catches up", () => {
    const alerting = core();
    const lags = [1, 10, 11, 60, 7, 5];
    lags.forEach((lag, i) => alerting.bridge("data-1", lag, T0 + i * 1000));
    expect(alerting.take().map(({ status, summary }) => `${status}: ${summary}`)).toEqual([
      "firing: the bridge on data-1 is 11 s behind (limit 10 s)",
      "resolved: the bridge on data-1 is 5 s behind again",
    ]);
  });
});
