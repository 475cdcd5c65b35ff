import { setTimeout as sleep } from "node:timers/promises";
import type { IPublishPacket } from "mqtt-packet";
import type { MqttAccess } from "../../model";
import { AckWindow } from "./ack-window";
import { Carrier, type CarrierGround } from "./carrier";
import { Link, LinkEnded, SESSION_TAKEN_OVER, type LinkOptions } from "./link";
import { keyMaker, sliceOf, type Session } from "./routes";
import { orEnded, unlessAborted } from "./wait";

/** Pauses between tries to connect, ms; each twice the one before. */
const RETRY_MS = { first: 250, most: 5000 };
/** How long a session that is given up may wait for Kafka, ms. */
export const RELEASE_MS = 10_000;
/** A session that is to end is empty when nothing came for so long, ms. */
const QUIET_MS = 1000;

export interface SubscriberGround extends CarrierGround {
  readonly mqtt: MqttAccess;
  /** Topics that begin so are the bridges' own, and are not carried. */
  readonly ownTopics: string;
}

/**
 * Serves one session: what the MQTT broker has for it goes to Kafka, and is acknowledged in the order in
 * which it came once Kafka has it.
 *
 * Back-pressure: the broker sends no more than `limits.messages` unacknowledged messages, and the socket is
 * not read while as many, or as many bytes, wait for Kafka: QoS 0 has no other brake.
 */
export class Subscriber {
  private readonly carrier: Carrier;
  private readonly keyOf: (topic: string) => string;
  private link: Link | undefined;
  private window = new AckWindow();
  private readonly stopping = new AbortController();
  private trouble: { readonly what: string; readonly since: number } | undefined;
  private subscribedOnce = false;
  private isSubscribed = false;
  private lastMessageAt = 0;
  /** Whether the session is no more this one's, on its own or another's behalf. */
  isLeft = false;
  private readonly left: Promise<"ended" | "left">;
  /**
   * Resolves when it has left the session and Kafka has taken what it was given: `ended` when it was a
   * former session, which is no more.
   */
  readonly over: Promise<"ended" | "left">;

  /**
   * @param isFormer whether its route or slices are of a configuration that is gone: what is queued is
   *   carried, then the session is ended
   */
  constructor(
    readonly session: Session,
    private readonly ground: SubscriberGround,
    private readonly isFormer = false,
  ) {
    this.keyOf = keyMaker(session.route);
    this.carrier = new Carrier(ground, () => this.brake());
    this.left = this.run().finally(() => (this.isLeft = true));
    this.over = this.left.then(async (how) => {
      await this.carrier.settled();
      return how;
    });
  }

  /** Whether the MQTT broker keeps messages for it by now: then they are also queued while it is away. */
  get subscribed(): boolean {
    return this.subscribedOnce;
  }

  get connected(): boolean {
    return this.isSubscribed;
  }

  /** @param graceMs how long a connection may be away before that is a problem */
  problem(graceMs: number, now = Date.now()): string | undefined {
    const kafka = this.carrier.problem(now);
    if (kafka !== undefined || this.trouble === undefined) return kafka;
    return now - this.trouble.since < graceMs ? undefined : this.trouble.what;
  }

  /** Takes no more, waits for Kafka, acknowledges, and leaves the session to whoever comes next. */
  async release(): Promise<void> {
    this.stopping.abort();
    await this.left;
  }

  private async run(): Promise<"ended" | "left"> {
    const { signal } = this.stopping;
    for (let pause = RETRY_MS.first; !signal.aborted;) {
      // Bounds what is under way: no connection adds to what the one before has handed to Kafka.
      if ((await unlessAborted(signal, this.carrier.settled())) === "stopped") break;
      try {
        const link = await this.connect();
        pause = RETRY_MS.first;
        const end = await this.serve(link);
        if (!(end instanceof LinkEnded)) return end;
        throw end;
      } catch (error) {
        if (!(error instanceof LinkEnded)) throw error;
        this.fell(error);
        if (error.code === SESSION_TAKEN_OVER) return "left";
      }
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, RETRY_MS.most);
    }
    await this.settledWithin(RELEASE_MS);
    return "left";
  }

  private async connect(): Promise<Link> {
    const { mqtt, limits, log, figures } = this.ground;
    const { id, route } = this.session;
    const { signal } = this.stopping;
    const window = (this.window = new AckWindow());
    this.carrier.begin();
    const options: LinkOptions = {
      access: mqtt,
      clientId: id,
      persistent: true,
      receiveMaximum: limits.messages,
      // What is queued may come before we are told that we are connected.
      onPublish: (packet, on) => {
        this.link = on;
        this.take(packet, on, window);
      },
    };
    const link = await Link.open(options, signal);
    this.link = link;
    try {
      await orEnded(
        signal,
        this.isFormer ? link.unsubscribe(route.from) : link.subscribe(route.from, 1),
      );
    } catch (error) {
      await link.disconnect();
      throw error;
    }
    if (this.subscribedOnce && !link.sessionPresent) {
      figures.lostSessions.inc();
      log("error", "the MQTT broker had forgotten the session: what was queued in it is lost", {
        session: id,
      });
    }
    this.subscribedOnce = true;
    this.isSubscribed = true;
    this.trouble = undefined;
    log("info", "subscribed", {
      session: id,
      filter: route.from,
      slice: `${this.session.slice + 1}/${this.session.slices}`,
      resumed: link.sessionPresent,
      former: this.isFormer,
    });
    this.brake();
    return link;
  }

  /** Until it is released, or empty and ended, or the connection ends. */
  private async serve(link: Link): Promise<LinkEnded | "ended" | "left"> {
    const { signal } = this.stopping;
    const end = this.isFormer
      ? Promise.race([link.ended, this.emptied(link).then(() => "empty" as const)])
      : link.ended;
    const what = await unlessAborted(signal, end);
    if (what instanceof LinkEnded) return what;
    link.pause();
    await this.settledWithin(RELEASE_MS);
    await link.disconnect(what === "empty");
    this.isSubscribed = false;
    this.ground.log("info", what === "empty" ? "ended a former session" : "released", {
      session: this.session.id,
    });
    return what === "empty" ? "ended" : "left";
  }

  private take(packet: IPublishPacket, link: Link, window: AckWindow): void {
    const { figures } = this.ground;
    const { topic, payload, qos, dup, messageId } = packet;
    figures.received.inc({ qos });
    if (dup) figures.redelivered.inc();
    this.lastMessageAt = Date.now();
    const slot = qos === 0 || messageId === undefined ? undefined : window.add(messageId);
    const acknowledge = () => {
      if (slot === undefined) return;
      const ready = window.settle(slot);
      if (!link.open) return;
      link.acknowledge(ready);
      figures.acknowledged.inc(ready.length);
    };
    const { route, slice, slices } = this.session;
    if (sliceOf(topic, slices) !== slice || topic.startsWith(this.ground.ownTopics)) {
      figures.passedOver.inc();
      return acknowledge();
    }
    const value = typeof payload === "string" ? Buffer.from(payload, "utf8") : payload;
    const headers = { "mqtt.topic": topic };
    this.carrier.take({ topic: route.topic, key: this.keyOf(topic), value, headers }, acknowledge);
    this.brake();
  }

  private brake(): void {
    if (this.carrier.full) this.link?.pause();
    else if (!this.stopping.signal.aborted) this.link?.resume();
  }

  /** Resolves once the broker has nothing more for a session that has no subscription. */
  private async emptied(link: Link): Promise<void> {
    for (;;) {
      await sleep(QUIET_MS);
      if (!link.open) return new Promise<never>(() => undefined);
      if (this.window.size > 0 || Date.now() - this.lastMessageAt < QUIET_MS) continue;
      const before = this.lastMessageAt;
      // The broker answers after it has sent what our last acknowledgements made room for.
      await link.ping().catch(() => undefined);
      if (link.open && this.lastMessageAt === before && this.window.size === 0) return;
    }
  }

  private fell(error: LinkEnded): void {
    const { log } = this.ground;
    this.isSubscribed = false;
    this.link = undefined;
    this.carrier.letGo();
    const isNew = this.trouble?.what !== error.message;
    const since = this.trouble?.since ?? Date.now();
    this.trouble = { what: error.message, since };
    const taken = error.code === SESSION_TAKEN_OVER;
    if (isNew && !this.stopping.signal.aborted)
      log("warn", error.message, { session: this.session.id, retries: !taken });
  }

  private async settledWithin(ms: number): Promise<void> {
    const late = sleep(ms, "late" as const, { ref: false });
    if ((await Promise.race([this.carrier.settled(), late])) !== "late") return;
    this.ground.log("warn", "Kafka has not taken all; the rest stays in the MQTT broker", {
      session: this.session.id,
      seconds: ms / 1000,
    });
    this.carrier.letGo();
  }
}
