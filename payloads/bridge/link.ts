import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  generate,
  parser,
  type IConnackPacket,
  type IPublishPacket,
  type Packet,
} from "mqtt-packet";
import type { MqttAccess } from "../../model";

/** How long the MQTT broker may take for an answer that it owes, seconds. */
const ANSWER_S = 10;
/** How long it may take to close the connection after our good-bye, ms. */
const GOODBYE_MS = 2000;
/** Seconds between signs of life. The broker drops a client that is silent for one and a half of them. */
const KEEPALIVE_S = 15;
/** MQTT's "never": the session stays until somebody ends it. */
const FOR_EVER = 0xffff_ffff;
/** Why a connection ended that nobody took from us. */
export const ON_PURPOSE = "it was ended on purpose";
const V5 = { protocolVersion: 5 } as const;

export interface LinkOptions {
  readonly access: MqttAccess;
  readonly clientId: string;
  /** Whether the broker keeps the session, with what is queued in it, when the connection is gone. */
  readonly persistent: boolean;
  /** Messages of QoS 1 that may be unacknowledged at once, 1 to 65,535: the broker sends no more. */
  readonly receiveMaximum: number;
  onPublish(packet: IPublishPacket, link: Link): void;
}

/** The connection is not to be had, or has ended. */
export class LinkEnded extends Error {
  public override readonly name = "LinkEnded";
  /** @param code MQTT's reason code, where the broker gave one */
  constructor(
    message: string,
    public readonly code?: number,
  ) {
    super(message);
  }
}

/** Another client has connected with the same client id. */
export const SESSION_TAKEN_OVER = 0x8e;

const REASONS: Readonly<Record<number, string>> = {
  0x04: "disconnected with will",
  0x80: "unspecified error",
  0x81: "malformed packet",
  0x82: "protocol error",
  0x83: "implementation specific error",
  0x84: "unsupported protocol version",
  0x85: "client id not valid",
  0x86: "bad user name or password",
  0x87: "not authorized",
  0x88: "server unavailable",
  0x89: "server busy",
  0x8b: "server shutting down",
  0x8d: "keep alive timeout",
  0x8e: "session taken over by another client with the same id",
  0x8f: "topic filter invalid",
  0x91: "packet identifier in use",
  0x93: "receive maximum exceeded",
  0x95: "packet too large",
  0x97: "quota exceeded",
  0x9e: "shared subscriptions not supported",
};

const reasonOf = (code: number): string =>
  `${REASONS[code] ?? "an unknown reason"} (0x${code.toString(16).padStart(2, "0")})`;

interface Asked {
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * One connection to the MQTT broker, MQTT 5. Unlike a full client it leaves acknowledgements to its user:
 * a message is acknowledged when Kafka has it, out of the handler that it was given to.
 */
export class Link {
  /** Resolves, never rejects, with why it ended. */
  readonly ended: Promise<LinkEnded>;
  /** Whether the broker had kept the session. */
  sessionPresent = false;
  private readonly parser = parser(V5);
  private readonly asked = new Map<string, Asked>();
  private end: (reason: LinkEnded) => void = () => undefined;
  private state: "open" | "ending" | LinkEnded = "open";
  private packetId = 0;
  private pings = 0;
  private pongs = 0;
  private pinging: NodeJS.Timeout | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly options: LinkOptions,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.parser.on("packet", (packet) => this.take(packet));
    this.parser.on("error", (error: Error) => this.close(`it sent no MQTT: ${error.message}`));
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      if (this.state === "open") this.parser.parse(chunk);
    });
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => this.close("the connection was closed"));
  }

  /**
   * @param signal gives it up: a stop does not wait for a broker that is silent
   * @throws LinkEnded when the broker is not there, refuses, or does not answer in time
   */
  static async open(options: LinkOptions, signal: AbortSignal): Promise<Link> {
    const { address, port } = options.access;
    const link = new Link(connect({ host: address, port }), options);
    const giveUp = () => link.close(ON_PURPOSE);
    signal.addEventListener("abort", giveUp);
    const connack = await link.connect().finally(() => signal.removeEventListener("abort", giveUp));
    const { reasonCode = 0, sessionPresent, properties } = connack;
    if (reasonCode !== 0) {
      link.close(`refused: ${reasonOf(reasonCode)}`, reasonCode);
      throw await link.ended;
    }
    link.sessionPresent = sessionPresent;
    link.keepAlive((properties?.serverKeepAlive ?? KEEPALIVE_S) * 1000);
    return link;
  }

  private async connect(): Promise<IConnackPacket> {
    const { clientId, access, persistent, receiveMaximum } = this.options;
    const connack = await this.ask("connack", {
      cmd: "connect",
      ...V5,
      protocolId: "MQTT",
      clientId,
      clean: !persistent,
      keepalive: KEEPALIVE_S,
      username: access.username,
      password: Buffer.from(access.password, "utf8"),
      properties: { receiveMaximum, ...(persistent && { sessionExpiryInterval: FOR_EVER }) },
    });
    return connack as IConnackPacket;
  }

  /**
   * Adds or renews a subscription.
   *
   * @param withRetained whether the broker sends what it retains on such topics
   * @throws LinkEnded, with the filter's name where it is refused
   */
  async subscribe(filter: string, qos: 0 | 1, withRetained = false): Promise<void> {
    const messageId = this.nextId();
    const suback = await this.ask(`suback ${messageId}`, {
      cmd: "subscribe",
      messageId,
      subscriptions: [{ topic: filter, qos, rh: withRetained ? 0 : 2 }],
    });
    const [code] = (suback as { granted: number[] }).granted;
    if (code === undefined || code >= 0x80) {
      throw new LinkEnded(`subscribing to ${filter} was refused: ${reasonOf(code ?? 0x80)}`, code);
    }
  }

  async unsubscribe(filter: string): Promise<void> {
    const messageId = this.nextId();
    await this.ask(`unsuback ${messageId}`, {
      cmd: "unsubscribe",
      messageId,
      unsubscriptions: [filter],
    });
  }

  /** Resolves when the broker has it: at once with QoS 0. */
  async publish(topic: string, payload: string, how: { qos: 0 | 1; retain: boolean }) {
    const packet = { cmd: "publish", topic, payload, dup: false, ...how } as const;
    if (how.qos === 0) return this.send(packet);
    const messageId = this.nextId();
    const puback = await this.ask(`puback ${messageId}`, { ...packet, messageId });
    const { reasonCode = 0 } = puback as { reasonCode?: number };
    if (reasonCode >= 0x80) {
      throw new LinkEnded(
        `publishing on ${topic} was refused: ${reasonOf(reasonCode)}`,
        reasonCode,
      );
    }
  }

  get open(): boolean {
    return this.state === "open";
  }

  /** Nothing once it has ended: the broker sends those messages again. */
  acknowledge(messageIds: readonly number[]): void {
    if (messageIds.length === 0) return;
    this.socket.cork();
    for (const messageId of messageIds) this.send({ cmd: "puback", messageId, reasonCode: 0 });
    this.socket.uncork();
  }

  /** Resolves when the broker has seen all that was sent before. */
  async ping(): Promise<void> {
    await this.ask(`pingresp ${++this.pings}`, { cmd: "pingreq" });
  }

  /** Takes nothing more from the broker until `resume`; what it owes meanwhile is not missed. */
  pause(): void {
    if (!this.socket.isPaused()) this.socket.pause();
  }

  resume(): void {
    if (this.socket.isPaused()) this.socket.resume();
  }

  /** Says good-bye. @param endSession whether the broker is to forget the session as well */
  async disconnect(endSession = false): Promise<void> {
    if (this.state === "open") {
      this.state = "ending";
      const properties = endSession ? { properties: { sessionExpiryInterval: 0 } } : {};
      // What comes now is not taken any more; unread it would keep the socket from closing in order.
      this.socket.resume();
      this.socket.end(generate({ cmd: "disconnect", reasonCode: 0, ...properties }, V5));
      const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
      await Promise.race([closed, sleep(GOODBYE_MS, undefined, { ref: false })]);
    }
    this.close(ON_PURPOSE);
  }

  private close(why: string, code?: number): void {
    if (this.state instanceof LinkEnded) return;
    const { address, port } = this.options.access;
    const reason = new LinkEnded(`the MQTT broker at ${address}:${port}: ${why}`, code);
    this.state = reason;
    clearInterval(this.pinging);
    this.socket.destroy();
    for (const { reject, timer } of this.asked.values()) {
      clearInterval(timer);
      reject(reason);
    }
    this.asked.clear();
    this.end(reason);
  }

  private keepAlive(everyMs: number): void {
    this.pinging = setInterval(() => {
      // In a paused socket the answer lies unread, and yet the broker wants a sign of life.
      if (this.socket.isPaused()) {
        this.pings++;
        this.send({ cmd: "pingreq" });
      } else void this.ping().catch(() => undefined);
    }, everyMs);
  }

  private take(packet: Packet): void {
    // One read of the socket may hold packets behind the one that ended it.
    if (this.state !== "open") return;
    const { cmd, messageId } = packet;
    if (cmd === "publish") this.options.onPublish(packet, this);
    else if (cmd === "connack") this.answer(cmd, packet);
    else if (cmd === "pingresp") this.answer(`pingresp ${++this.pongs}`, packet);
    else if (cmd === "suback" || cmd === "unsuback" || cmd === "puback") {
      this.answer(`${cmd} ${messageId}`, packet);
    } else if (cmd === "disconnect") {
      const { reasonCode = 0 } = packet;
      this.close(`disconnected us: ${reasonOf(reasonCode)}`, reasonCode);
    } else this.close(`sent an unexpected ${cmd}`);
  }

  private answer(key: string, packet: Packet): void {
    const asked = this.asked.get(key);
    if (asked === undefined) return;
    this.asked.delete(key);
    clearInterval(asked.timer);
    asked.resolve(packet);
  }

  /** Waits for an answer; time during which the socket is paused does not count. */
  private ask(key: string, packet: Packet): Promise<Packet> {
    if (this.state instanceof LinkEnded) return Promise.reject(this.state);
    return new Promise((resolve, reject) => {
      let left = ANSWER_S;
      const timer = setInterval(() => {
        if (!this.socket.isPaused() && --left <= 0) {
          this.close(`no answer within ${ANSWER_S} s (${key})`);
        }
      }, 1000);
      this.asked.set(key, { resolve, reject, timer });
      this.send(packet);
    });
  }

  private send(packet: Packet): void {
    if (this.state === "open") this.socket.write(generate(packet, V5));
  }

  private nextId(): number {
    this.packetId = (this.packetId % 65_535) + 1;
    return this.packetId;
  }
}
