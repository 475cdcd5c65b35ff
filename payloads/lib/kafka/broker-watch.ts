import { setTimeout as sleep } from "node:timers/promises";
import { metadataV12 } from "@platformatic/kafka";
import type { KafkaAccess } from "../../../model";
import { stoodStill, withDeadline } from "../deadline";
import { KafkaLink, LinkError } from "./link";

export interface WatchedBroker {
  readonly host: string;
  /** `address:port` */
  readonly address: string;
}

/** What a broker knows of brokers and topics, as the client library has it. */
export type BrokerAnswer = ReturnType<typeof metadataV12.parseResponse>;

/** What is asked beside whether the broker answers. */
export interface WatchOptions {
  /** Topics that it is asked about; others may not be known to whoever asks. Default none. */
  readonly topics?: readonly string[];
  /** Told what a broker says of them, each time, and undefined once it answers no more. */
  readonly says?: (broker: WatchedBroker, answer: BrokerAnswer | undefined) => void;
  /** Between two questions, ms. Default 1000. */
  readonly askMs?: number;
  /** How long an answer may take, ms. Default 2000. */
  readonly answerMs?: number;
}

/** Between two questions to a broker, and between two tries to reach one, ms. */
const ASK_MS = 1_000;
const RETRY_MS = 500;
/** A broker that has not answered within that time is down, ms: its host is off, cut off, or it hangs. */
const ANSWER_MS = 2_000;

/**
 * Watches one broker over a connection that stays. Its end is seen at once where the process ends (the
 * connection breaks and the next is refused), within 3 s where its host falls silent.
 */
export class BrokerWatch {
  private readonly stopping = new AbortController();
  private isUp: boolean | undefined;

  /** @param tell told at each change, and once at the beginning */
  constructor(
    private readonly broker: WatchedBroker,
    private readonly sasl: KafkaAccess["sasl"],
    private readonly tell: (broker: WatchedBroker, isUp: boolean) => void,
    private readonly options: WatchOptions = {},
  ) {
    void this.run();
  }

  stop(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (await this.watchOnce()) continue;
      this.is(false);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /**
   * One connection. Gives whether the broker may be well: it has answered and closed a connection, as it may,
   * or its answer could not be seen; whether it takes another is then asked at once.
   */
  private async watchOnce(): Promise<boolean> {
    const { signal } = this.stopping;
    const { topics = [], says, askMs = ASK_MS, answerMs = ANSWER_MS } = this.options;
    let hasAnswered = false;
    let link: KafkaLink | undefined;
    let askedMs = 0;
    try {
      link = await KafkaLink.dial(this.broker.address, this.sasl, answerMs);
      while (link.alive && !signal.aborted) {
        askedMs = performance.now();
        // About no topic every broker answers to everyone.
        const answer = await link.ask(metadataV12.api, [...topics], false, false);
        hasAnswered = true;
        this.is(true);
        if (!signal.aborted) says?.(this.broker, answer);
        const connected = link;
        await withDeadline(askMs, signal, (over) => connected.ended(over));
      }
      return hasAnswered;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return hasAnswered && (!error.isSilence || stoodStill(askedMs, answerMs));
    } finally {
      await link?.close();
    }
  }

  private is(isUp: boolean): void {
    if (this.isUp === isUp || this.stopping.signal.aborted) return;
    this.isUp = isUp;
    if (!isUp) this.options.says?.(this.broker, undefined);
    this.tell(this.broker, isUp);
  }
}
