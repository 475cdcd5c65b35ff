import type { Log } from "../lib/log";
import type { InRecord } from "../lib/records";
import { readAlert } from "./alert";
import { type Alert, Tally } from "./core";
import type { Figures } from "./figures";

/** Takes what the other clients send. */
export class Receiver {
  private readonly tally = new Tally();
  /** Topics whose other records were told of: others may write thousands a second there. */
  private readonly told = new Set<string>();

  constructor(
    /** Its own alerts come back where another client shares its topic: they are passed over. */
    private readonly host: string,
    private readonly figures: Figures,
    private readonly log: Log,
    private readonly now: () => number = Date.now,
  ) {}

  take(batch: readonly InRecord[]): void {
    for (const record of batch) {
      const alert = readAlert(record);
      if (alert === undefined) {
        this.passOver(record);
      } else if (alert.from !== this.host) this.count(record.topic, alert);
    }
  }

  private passOver({ topic, partition, offset }: InRecord): void {
    this.figures.malformed.inc();
    if (this.told.has(topic)) return;
    this.told.add(topic);
    const at = { topic, partition, offset: String(offset) };
    this.log("info", "a record is no alert; such are counted from now on, not told", at);
  }

  private count(topic: string, alert: Alert): void {
    const { from, seq, rightAscension: ra, declination: dec } = alert;
    const judgement = this.tally.take(alert);
    if (judgement.kind === "duplicate") {
      this.figures.duplicated.inc({ from });
      this.log("warn", "came twice", { topic, from, seq });
      return;
    }
    if (judgement.kind === "late") this.figures.lost.dec({ from });
    if (judgement.kind === "new") {
      if (judgement.newSession) this.figures.restarts.inc({ from });
      if (judgement.missing > 0) {
        this.figures.lost.inc({ from }, judgement.missing);
        this.log("warn", "passed over", { topic, from, seq, missing: judgement.missing });
      }
    }
    this.figures.received.inc({ from });
    // A clock that is behind the sender's makes no negative time.
    this.figures.latency.observe({ from }, Math.max(0, this.now() - Date.parse(alert.time)) / 1000);
    this.log("info", "RECV", { topic, from, seq, ra, dec });
  }
}
