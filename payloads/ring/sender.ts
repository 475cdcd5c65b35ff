import type { Log } from "../lib/log";
import { type RecordProducer, RefusedRecords } from "../lib/records";
import { alertRecord } from "./alert";
import { type Alert, randomPosition } from "./core";
import type { Figures } from "./figures";

/** Alerts that may be unacknowledged at once. Beyond them none is made: an alert is worth nothing once it is old. */
const UNDER_WAY = 50;

/** Who asks for an alert. */
export type Cause = "pace" | "button";

/** What became of an alert. */
export type Outcome =
  | { readonly kind: "acknowledged"; readonly seq: number }
  | { readonly kind: "refused"; readonly words: string }
  | { readonly kind: "held-back"; readonly words: string };

export interface SenderOptions {
  readonly host: string;
  readonly topic: string;
  readonly session: string;
  readonly random: () => number;
}

/** Makes alerts and hands them to Kafka. */
export class Sender {
  private seq = 0;
  private heldBack = 0;
  private readonly underWay = new Set<Promise<Outcome>>();
  private unacknowledged = 0;

  constructor(
    private readonly options: SenderOptions,
    private readonly producer: Pick<RecordProducer, "send">,
    private readonly figures: Figures,
    private readonly log: Log,
  ) {}

  send(cause: Cause): Promise<Outcome> {
    if (this.underWay.size >= UNDER_WAY) return Promise.resolve(this.holdBack(cause));
    if (this.heldBack > 0) {
      this.log("info", "sending again", { heldBack: this.heldBack });
      this.heldBack = 0;
    }
    const outcome = this.deliver();
    this.underWay.add(outcome);
    this.figures.underWay.set(this.underWay.size);
    void outcome.finally(() => {
      this.underWay.delete(outcome);
      this.figures.underWay.set(this.underWay.size);
    });
    return outcome;
  }

  /** Once the producer has been closed: how many alerts it has not got acknowledged. */
  async ended(): Promise<number> {
    await Promise.all(this.underWay);
    return this.unacknowledged;
  }

  private holdBack(cause: Cause): Outcome {
    const words = `${UNDER_WAY} alerts are not acknowledged yet`;
    if (this.heldBack === 0) this.log("warn", `sending no more: ${words}`);
    this.heldBack += 1;
    this.figures.heldBack.inc({ by: cause });
    return { kind: "held-back", words };
  }

  private async deliver(): Promise<Outcome> {
    const { host, topic, session, random } = this.options;
    const begun = performance.now();
    const seq = ++this.seq;
    const time = new Date().toISOString();
    const alert: Alert = { from: host, session, seq, time, ...randomPosition(random) };
    this.figures.sent.inc();
    try {
      await this.producer.send([alertRecord(topic, alert)]);
    } catch (error) {
      return this.failed(seq, error);
    }
    this.figures.acknowledged.inc();
    this.figures.acknowledgement.observe((performance.now() - begun) / 1000);
    const { rightAscension: ra, declination: dec } = alert;
    this.log("info", "SEND", { topic, from: host, seq, ra, dec });
    return { kind: "acknowledged", seq };
  }

  private failed(seq: number, error: unknown): Outcome {
    const words = error instanceof Error ? error.message : String(error);
    if (error instanceof RefusedRecords) this.figures.refused.inc();
    else this.unacknowledged += 1;
    this.log("error", words, { topic: this.options.topic, seq });
    return { kind: "refused", words };
  }
}
