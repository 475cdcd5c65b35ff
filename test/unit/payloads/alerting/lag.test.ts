import { BridgeLag, parseScrape } from "../../../../payloads/alerting/lag";

/** A bridge's figures: messages by their lag, and what it holds. */
function scrape(counts: { quick?: number; slow?: number; endless?: number; held?: number }) {
  const { quick = 0, slow = 0, endless = 0, held = 0 } = counts;
  const all = quick + slow + endless;
  return parseScrape(`# HELP pilab_bridge_event_lag_seconds x
pilab_bridge_event_lag_seconds_bucket{le="1"} ${quick}
pilab_bridge_event_lag_seconds_bucket{le="10"} ${quick}
pilab_bridge_event_lag_seconds_bucket{le="30"} ${quick + slow}
pilab_bridge_event_lag_seconds_bucket{le="+Inf"} ${all}
pilab_bridge_event_lag_seconds_count ${all}
pilab_bridge_produced_total ${all}
pilab_bridge_in_flight ${held}
pilab_bridge_sessions{state="connected"} 2
pilab_bridge_sessions{state="away"} 1
`);
}

test("figures are read, others are passed over", () => {
  expect(scrape({ quick: 3, slow: 1, held: 7 })).toEqual({
    ...{ produced: 4, inFlight: 7, away: 1 },
    buckets: new Map([
      [1, 3],
      [10, 3],
      [30, 4],
      [Infinity, 4],
    ]),
  });
  expect(parseScrape("")).toEqual({ produced: 0, inFlight: 0, away: 0, buckets: new Map() });
});

test("the middle one of what was carried since the last scrape counts, not a device with a wrong clock", () => {
  const lag = new BridgeLag(0);
  lag.take(scrape({ quick: 100 }), 1000);
  expect(lag.take(scrape({ quick: 110, endless: 4 }), 2000)).toBeLessThan(1);
  const behind = lag.take(scrape({ quick: 110, slow: 10, endless: 4 }), 3000);
  expect(behind).toBeGreaterThan(10);
  expect(behind).toBeLessThanOrEqual(30);
  expect(lag.take(scrape({ quick: 110, slow: 10, endless: 40 }), 4000)).toBe(30);
});

test("it is remembered for a minute while nothing is carried", () => {
  const lag = new BridgeLag(0);
  lag.take(scrape({}), 0);
  const behind = lag.take(scrape({ slow: 10 }), 1000);
  expect(lag.take(scrape({ slow: 10 }), 60_999)).toBe(behind);
  expect(lag.take(scrape({ slow: 10 }), 61_000)).toBe(0);
});

test("what is held and not carried is behind by as long; and so is one who does not answer", () => {
  const lag = new BridgeLag(0);
  lag.take(scrape({ quick: 5, held: 3 }), 1000);
  expect(lag.take(scrape({ quick: 5, held: 3 }), 5000)).toBe(4);
  expect(lag.take(undefined, 8000)).toBe(3);
  expect(lag.take(undefined, 20_000)).toBe(15);
  expect(lag.take(scrape({ quick: 6, held: 3 }), 21_000)).toBeLessThan(1);
});

test("a bridge that was started again counts from nothing", () => {
  const lag = new BridgeLag(0);
  lag.take(scrape({ quick: 1000 }), 0);
  expect(lag.take(scrape({ slow: 2 }), 1000)).toBeGreaterThan(10);
});
