import { setTimeout as sleep } from "node:timers/promises";
import type { IPublishPacket } from "mqtt-packet";
import { z } from "zod";
import type { MqttAccess } from "../../model";
import type { Log } from "../lib/log";
import { Link, LinkEnded, type LinkOptions } from "./link";
import type { Session } from "./routes";
import type { Peer } from "./share";
import { orEnded, unlessAborted } from "./wait";

/** How often a bridge says that it lives, ms. */
const TELL_MS = 2000;
/** A bridge that was silent for so long is away, ms. */
const AWAY_MS = 7000;
/** Two of the others' signs and a little: whoever was not heard by then does not live, ms. */
const SETTLE_MS = 5000;
const RETRY_MS = 1000;

const sign = z.object({ serves: z.array(z.string()), subscribed: z.array(z.string()) });
const noteShape = z.object({
  route: z.object({ from: z.string(), topic: z.string(), key: z.string() }),
  slice: z.int().min(0),
  slices: z.int().min(1),
});

export interface PresenceOptions {
  readonly host: string;
  readonly mqtt: MqttAccess;
  /** What the bridges' own topics begin with, e.g. `pi-lab/bridge/`. */
  readonly ownTopics: string;
  readonly log: Log;
  /** What the others are told of this bridge. */
  readonly tell: () => {
    readonly serves: readonly string[];
    readonly subscribed: readonly string[];
  };
}

/**
 * What bridges tell each other over the MQTT broker: signs of life, and notes of the sessions that there
 * are. The notes are retained, so that they live where the sessions do, and as long.
 */
export class Presence {
  private link: Link | undefined;
  private since = 0;
  private trouble: { readonly what: string; readonly since: number } | undefined;
  private readonly heard = new Map<string, Peer & { readonly at: number }>();
  private readonly notes = new Map<string, Session>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(private readonly options: PresenceOptions) {
    this.running = this.run();
  }

  /** Whether the broker is connected, and for as long as the others need to be heard. */
  settled(areThereOthers: boolean, now = Date.now()): boolean {
    if (this.link === undefined) return false;
    return !areThereOthers || now - this.since >= SETTLE_MS;
  }

  peers(now = Date.now()): ReadonlyMap<string, Peer> {
    for (const [host, { at }] of this.heard) if (now - at > AWAY_MS) this.heard.delete(host);
    return this.heard;
  }

  noted(): Session[] {
    return [...this.notes.values()];
  }

  problem(graceMs: number, now = Date.now()): string | undefined {
    if (this.trouble === undefined || now - this.trouble.since < graceMs) return undefined;
    return this.trouble.what;
  }

  /** Has the broker keep that there is such a session. @throws LinkEnded */
  async note({ id, route, slice, slices }: Session): Promise<void> {
    const { from, topic, key } = route;
    await this.retain(id, JSON.stringify({ route: { from, topic, key }, slice, slices }));
  }

  /** @throws LinkEnded */
  async forget(id: string): Promise<void> {
    await this.retain(id, "");
    this.notes.delete(id);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async retain(id: string, text: string): Promise<void> {
    if (this.link === undefined) throw new LinkEnded(this.trouble?.what ?? "not connected yet");
    await this.link.publish(`${this.options.ownTopics}sessions/${id}`, text, {
      qos: 1,
      retain: true,
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.live(await this.connect());
      } catch (error) {
        if (!(error instanceof LinkEnded)) throw error;
        this.fell(error);
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async connect(): Promise<Link> {
    const { host, mqtt, ownTopics } = this.options;
    const { signal } = this.stopping;
    this.notes.clear();
    const options: LinkOptions = {
      access: mqtt,
      clientId: `bridge-${host}`,
      persistent: false,
      receiveMaximum: 10,
      onPublish: (packet) => this.hear(packet),
    };
    const link = await Link.open(options, signal);
    try {
      await orEnded(signal, link.subscribe(`${ownTopics}#`, 0, true));
    } catch (error) {
      await link.disconnect();
      throw error;
    }
    return link;
  }

  private async live(link: Link): Promise<void> {
    const { signal } = this.stopping;
    this.link = link;
    this.since = Date.now();
    this.trouble = undefined;
    this.tell(link);
    const timer = setInterval(() => this.tell(link), TELL_MS);
    const end = await unlessAborted(signal, link.ended);
    clearInterval(timer);
    this.link = undefined;
    if (end !== "stopped") throw end;
    await link.disconnect();
  }

  private tell(link: Link): void {
    const { host, ownTopics, tell } = this.options;
    const topic = `${ownTopics}hosts/${host}`;
    // Quality of service 0: it cannot fail, and the next one follows.
    void link.publish(topic, JSON.stringify(tell()), { qos: 0, retain: false });
  }

  private hear({ topic, payload }: IPublishPacket): void {
    const { host, ownTopics, log } = this.options;
    const [kind, name = ""] = topic.slice(ownTopics.length).split("/");
    const text = payload.toString();
    if (kind === "hosts" && name !== host) {
      const said = sign.safeParse(parseJson(text)).data;
      if (said === undefined) return;
      if (!this.heard.has(name)) log("info", "another bridge lives", { bridge: name });
      this.heard.set(name, {
        serves: new Set(said.serves),
        subscribed: new Set(said.subscribed),
        at: Date.now(),
      });
    } else if (kind === "sessions") {
      const note = noteShape.safeParse(parseJson(text)).data;
      if (note === undefined) this.notes.delete(name);
      else this.notes.set(name, { id: name, ...note });
    }
  }

  private fell({ message }: LinkEnded): void {
    const isNew = this.trouble?.what !== message && !this.stopping.signal.aborted;
    if (isNew) this.options.log("warn", message, { link: "presence" });
    this.trouble = { what: message, since: this.trouble?.since ?? Date.now() };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
