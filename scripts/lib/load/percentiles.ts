import { createHistogram } from "node:perf_hooks";

/** Of a number of durations, ms. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** In the histogram durations are whole microseconds, as it takes integers alone. */
const US = 1000;
const LONGEST_US = 4 * 3_600_000 * US;
/** Decimal digits that it keeps: whatever it gives is at most 0.1 % off. */
const FIGURES = 3;

/**
 * Durations in bounded memory, however many there are (an HDR histogram, some 200 KB): percentiles are at most 0.1 %
 * or a microsecond off, the maximum is exact. From a microsecond to four hours; what is longer counts as four hours.
 */
export class Latencies {
  private readonly histogram = createHistogram({
    lowest: 1,
    highest: LONGEST_US,
    figures: FIGURES,
  });
  private longestMs = 0;
  private recorded = 0;
  private before = 0;

  /** A negative one counts as none at all: two clocks differ. */
  record(ms: number): void {
    if (ms < 0) this.before += 1;
    const us = Math.round(Math.max(0, ms) * US);
    this.histogram.record(Math.min(LONGEST_US, Math.max(1, us)));
    this.longestMs = Math.max(this.longestMs, ms);
    this.recorded += 1;
  }

  /** How many were negative. */
  get negative(): number {
    return this.before;
  }

  /** Undefined while there is none. A percentile is the least duration that so many do not exceed. */
  percentiles(): Percentiles | undefined {
    if (this.recorded === 0) return undefined;
    const at = (percent: number): number => {
      // The histogram rounds to the nearest rank; asked for the rank itself it gives the one that is meant.
      const rank = Math.ceil((percent / 100) * this.recorded);
      const us = this.histogram.percentile((100 * rank) / this.recorded);
      return Math.min(us / US, this.longestMs);
    };
    return {
      count: this.recorded,
      p50: at(50),
      p95: at(95),
      p99: at(99),
      max: this.longestMs,
    };
  }
}
