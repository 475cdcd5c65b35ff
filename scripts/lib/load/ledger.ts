/** Bits of a message's mark. */
const SENT = 1;
const ACKNOWLEDGED = 2;
const READ = 4;

/**
 * What became of each message of a stage: one byte a message, whatever happens to it and however often.
 * Messages are known by their index in the schedule; every method throws a `RangeError` for one outside it.
 */
export class Ledger {
  private readonly marks: Uint8Array;
  private counts = { sent: 0, acknowledged: 0, read: 0, records: 0, settled: 0 };

  constructor(readonly total: number) {
    this.marks = new Uint8Array(total);
  }

  /** Messages that were given to MQTT at least once. */
  get sent(): number {
    return this.counts.sent;
  }

  /** Messages for which MQTT's broker took the responsibility (PUBACK). */
  get acknowledged(): number {
    return this.counts.acknowledged;
  }

  /** Messages that were read back from Kafka at least once. */
  get read(): number {
    return this.counts.read;
  }

  /** Records that were read back from Kafka, those that were there more than once included. */
  get records(): number {
    return this.counts.records;
  }

  get duplicates(): number {
    return this.counts.records - this.counts.read;
  }

  /** Acknowledged and not read back (yet). */
  get missing(): number {
    return this.counts.acknowledged - this.counts.settled;
  }

  /** @returns whether it is the first time */
  send(index: number): boolean {
    return this.mark(index, SENT, "sent");
  }

  /** @returns whether it is the first time */
  acknowledge(index: number): boolean {
    return this.mark(index, ACKNOWLEDGED, "acknowledged");
  }

  /** @returns whether it is the first time */
  readBack(index: number): boolean {
    this.counts.records += 1;
    return this.mark(index, READ, "read");
  }

  /** The first messages that are missing, by index. */
  firstMissing(most: number): number[] {
    const found: number[] = [];
    if (this.missing === 0) return found;
    for (let index = 0; index < this.total && found.length < most; index++) {
      if ((this.at(index) & (ACKNOWLEDGED | READ)) === ACKNOWLEDGED) found.push(index);
    }
    return found;
  }

  private mark(index: number, bit: number, count: "sent" | "acknowledged" | "read"): boolean {
    const before = this.at(index);
    if ((before & bit) !== 0) return false;
    const after = before | bit;
    this.marks[index] = after;
    this.counts[count] += 1;
    const both = ACKNOWLEDGED | READ;
    if ((after & both) === both && (before & both) !== both) this.counts.settled += 1;
    return true;
  }

  private at(index: number): number {
    const mark = this.marks[index];
    if (mark === undefined) throw new RangeError(`there is no message ${index} of ${this.total}`);
    return mark;
  }
}
