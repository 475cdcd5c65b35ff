import type { OutRecord, RecordProducer } from "../../../payloads/lib/records";

interface Sent {
  readonly records: readonly OutRecord[];
  readonly accept: () => void;
  readonly refuse: (error: Error) => void;
}

/** Kafka as a test plays it: each batch waits until the test accepts or refuses it. */
export class FakeKafka implements RecordProducer {
  readonly sent: Sent[] = [];
  /** What becomes of a batch at once; undefined: it waits for the test. */
  verdict: ((records: readonly OutRecord[]) => Error | "taken") | undefined;
  readonly log: OutRecord[] = [];

  send(records: readonly OutRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const accept = () => {
        this.log.push(...records);
        resolve();
      };
      this.sent.push({ records, accept, refuse: reject });
      const verdict = this.verdict?.(records);
      if (verdict === "taken") accept();
      else if (verdict !== undefined) reject(verdict);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  values(): string[] {
    return this.log.map(({ value }) => value.toString());
  }
}
