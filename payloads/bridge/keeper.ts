import type { Log } from "../lib/log";
import type { Figures } from "./figures";
import { LinkEnded } from "./link";
import type { Presence } from "./presence";
import type { Session } from "./routes";
import { sessionsToEnd, sessionsToServe, type View } from "./share";
import { Subscriber, type SubscriberGround } from "./subscriber";

/** How often it is looked who serves what, ms. */
const LOOK_MS = 1000;
/** How long a former session must be nobody's before it is ended, ms. Longer than a bridge is silent that lives. */
export const FORMER_MS = 10_000;
/** How long the MQTT broker may be away before that is a problem, ms. */
const GRACE_MS = 10_000;

export interface KeeperOptions {
  readonly me: string;
  readonly bridges: readonly string[];
  readonly sessions: readonly Session[];
  readonly presence: Presence;
  readonly ground: SubscriberGround;
  readonly log: Log;
  readonly figures: Figures;
}

/** Serves the sessions that are this bridge's to serve, as bridges come and go. */
export class Keeper {
  private readonly subscribers = new Map<string, Subscriber>();
  private readonly formerSince = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: KeeperOptions) {
    this.timer = setInterval(() => this.lookUnlessBusy(), LOOK_MS);
    this.lookUnlessBusy();
  }

  /** What the other bridges are told. */
  told(): { serves: string[]; subscribed: string[] } {
    const all = [...this.subscribers].filter(([, { isLeft }]) => !isLeft);
    return {
      serves: all.map(([id]) => id),
      subscribed: all.flatMap(([id, { subscribed }]) => (subscribed ? [id] : [])),
    };
  }

  problem(): string | undefined {
    for (const subscriber of this.subscribers.values()) {
      const problem = subscriber.problem(GRACE_MS);
      if (problem !== undefined) return problem;
    }
    return this.options.presence.problem(GRACE_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    const release = () => Promise.all([...this.subscribers.values()].map((one) => one.release()));
    await release();
    // It may have begun one more meanwhile.
    await this.looking;
    await release();
  }

  private lookUnlessBusy(): void {
    this.looking ??= this.look().finally(() => (this.looking = undefined));
  }

  private async look(): Promise<void> {
    const view = this.view();
    const serve = new Map(sessionsToServe(view).map((session) => [session.id, session]));
    const end = new Map(this.longFormer(sessionsToEnd(view)).map((former) => [former.id, former]));
    for (const [id, subscriber] of this.subscribers) {
      if (!serve.has(id) && !end.has(id)) void subscriber.release();
    }
    try {
      for (const session of serve.values()) await this.begin(session, false);
      for (const session of end.values()) await this.begin(session, true);
    } catch (error) {
      // The broker is away; presence tells so, and the next look tries again.
      if (!(error instanceof LinkEnded)) throw error;
    }
    this.count();
  }

  private view(): View {
    const { me, bridges, sessions, presence } = this.options;
    const peers = presence.peers();
    const { serves, subscribed } = this.told();
    return {
      me,
      bridges,
      sessions,
      peers,
      noted: presence.noted(),
      serving: new Set(serves),
      subscribed: new Set(subscribed),
      settled: presence.settled(bridges.length > 1 || peers.size > 0),
    };
  }

  /** Those of them that have been nobody's for a while. */
  private longFormer(sessions: readonly Session[], now = Date.now()): Session[] {
    const ids = new Set(sessions.map(({ id }) => id));
    for (const id of this.formerSince.keys()) if (!ids.has(id)) this.formerSince.delete(id);
    return sessions.filter(({ id }) => {
      const since = this.formerSince.get(id) ?? now;
      this.formerSince.set(id, since);
      return now - since >= FORMER_MS;
    });
  }

  private async begin(session: Session, isFormer: boolean): Promise<void> {
    const { id } = session;
    // One that has left may wait for Kafka still: what is under way stays bounded.
    if (this.subscribers.has(id)) return;
    const { presence, ground, log } = this.options;
    // Noted before the broker keeps anything for it: no session is ever forgotten with its queue.
    if (!isFormer) await presence.note(session);
    if (this.stopped) return;
    const subscriber = new Subscriber(session, ground, isFormer);
    this.subscribers.set(id, subscriber);
    void subscriber.over.then(async (how) => {
      this.subscribers.delete(id);
      if (how === "ended") {
        await presence.forget(id).catch((error: unknown) => {
          log("warn", "the note of an ended session stays for now", { cause: String(error) });
        });
      }
    });
  }

  private count(): void {
    const all = [...this.subscribers.values()];
    const connected = all.filter((one) => one.connected).length;
    this.options.figures.sessions.set({ state: "connected" }, connected);
    this.options.figures.sessions.set({ state: "away" }, all.length - connected);
  }
}
