import type { Place } from "../lib/kafka/fetch-request";

/** Over how long a rate is taken, ms: long enough for one that stands still, short enough to see a change. */
const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly end: bigint;
}

/** Records a second, from the ends of partitions' logs. Pure: it is told the time. */
export class Rates {
  private readonly topics = new Map<string, Map<number, Sample[]>>();

  /** @param ends as far as they are known: a partition without a leader is left out */
  take(ends: readonly (Place & { readonly offset: bigint })[], at: number): void {
    for (const { topic, partition, offset } of ends) {
      let partitions = this.topics.get(topic);
      if (partitions === undefined)
        this.topics.set(topic, (partitions = new Map<number, Sample[]>()));
      const samples = partitions.get(partition) ?? [];
      const last = samples.at(-1);
      // A log that has become shorter is another topic's, of the same name.
      if (last !== undefined && (offset < last.end || at <= last.at)) samples.length = 0;
      samples.push({ at, end: offset });
      partitions.set(partition, samples);
    }
    this.forget(at);
  }

  /** Undefined until a partition of the topic was looked at twice within the window. */
  perSecond(topic: string): number | undefined {
    let sum: number | undefined;
    for (const samples of this.topics.get(topic)?.values() ?? []) {
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || first === last) continue;
      sum = (sum ?? 0) + (Number(last.end - first.end) * 1000) / (last.at - first.at);
    }
    return sum;
  }

  private forget(now: number): void {
    for (const [topic, partitions] of this.topics) {
      for (const [partition, samples] of partitions) {
        const kept = samples.filter(({ at }) => now - at <= WINDOW_MS);
        if (kept.length === 0) partitions.delete(partition);
        else partitions.set(partition, kept);
      }
      if (partitions.size === 0) this.topics.delete(topic);
    }
  }
}
