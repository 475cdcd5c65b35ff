import { setTimeout as sleep } from "node:timers/promises";
import { metadataV12 } from "@platformatic/kafka";
import type { KafkaAccess } from "../../../model";
import { KafkaLink, LinkError } from "./link";

export interface WatchedBroker {
  readonly host: string;
  /** `address:port` */
  readonly address: string;
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
   * One connection. Gives whether the broker may be well: it has answered and closed a connection, as it may;
   * whether it takes another is then asked at once.
   */
  private async watchOnce(): Promise<boolean> {
    const { signal } = this.stopping;
    let hasAnswered = false;
    let link: KafkaLink | undefined;
    try {
      link = await KafkaLink.dial(this.broker.address, this.sasl, ANSWER_MS);
      while (link.alive && !signal.aborted) {
        // About no topic: every broker answers that to everyone.
        await link.ask(metadataV12.api, [], false, false);
        hasAnswered = true;
        this.is(true);
        await link.ended(AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
      }
      return hasAnswered;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return hasAnswered && !error.isSilence;
    } finally {
      await link?.close();
    }
  }

  private is(isUp: boolean): void {
    if (this.isUp === isUp || this.stopping.signal.aborted) return;
    this.isUp = isUp;
    this.tell(this.broker, isUp);
  }
}
