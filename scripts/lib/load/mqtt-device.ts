import { connect as dial, type Socket } from "node:net";
import { generate, parser, type IConnackPacket, type Packet } from "mqtt-packet";
import { deviceName, deviceTopic } from "./message";

/** Where the load goes, and as whom. */
export interface LoadTarget {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** What a device asks of the stage that it is part of. */
export interface DeviceHooks {
  /** The payload of a message that is about to be sent for the first time or again. */
  payload(device: number, sequence: number): string;
  /** @param again after a disconnect that left it without an acknowledgement */
  onSent(device: number, sequence: number, again: boolean): void;
  /** @param reason MQTT 5's reason code: below 0x80 the broker has taken the message */
  onPuback(device: number, sequence: number, reason: number): void;
  onDisconnect(device: number, reason: string): void;
  /** It cannot stay connected: somebody else uses its client id, for all that can be seen. */
  onTakenOver(device: number): void;
}

/** From the first packet to CONNACK. */
export const CONNECT_MS = 10_000;
/** Between two packets at most; a broker that is silent for one and a half of it is given up. */
const KEEPALIVE_S = 15;
/** Pauses before further tries: doubled each time. */
const RETRY_MS = { first: 250, most: 4_000 };
/**
 * Two clients with one id throw each other out for ever, and Mosquitto 2.0 closes the connection without a word:
 * so many lives in succession, none longer than this, tell of it.
 */
const SHORT_LIVES = { count: 5, ms: 2_000 };
/** Unacknowledged messages of one device at most, whatever the broker allows. */
const MOST_IN_FLIGHT = 1_000;
const LAST_MESSAGE_ID = 65_535;
const VERSION = { protocolVersion: 5 } as const;
/** MQTT 5, reason codes. */
const TAKEN_OVER = 0x8e;

/**
 * One simulated device: an MQTT 5 connection of its own that publishes its messages in order with QoS 1. It has
 * no queue: how many messages are due is a number, and each is made when it is its turn. After a lost
 * connection it connects again, and sends again what was not acknowledged.
 *
 * MQTT 5 and not 3.1.1, since its PUBACK tells a message that was taken from one that was refused.
 */
export class MqttDevice {
  private socket: Socket | undefined;
  private ready = false;
  private ending = false;
  /** Messages that are due; each has its number below this. */
  private due = 0;
  /** The first that was never sent. */
  private next = 0;
  private messageId = 0;
  private window = 0;
  /** By message id: what awaits its PUBACK. */
  private readonly inFlight = new Map<number, number>();
  /** Of the connection before: to be sent again, first. */
  private again: number[] = [];
  private retryMs = RETRY_MS.first;
  private retry: NodeJS.Timeout | undefined;
  private lastHeardMs = 0;
  private readyAtMs = 0;
  private shortLives = 0;

  constructor(
    readonly index: number,
    private readonly target: LoadTarget,
    private readonly hooks: DeviceHooks,
  ) {}

  /**
   * Connects for the first time. Later losses mend themselves.
   * @throws Error with the reason
   */
  connect(): Promise<void> {
    return this.open();
  }

  /** Says how many messages are due so far, and sends what the broker has room for. */
  release(due: number): void {
    this.due = due;
    this.pump();
  }

  /** Nothing is sent any more, and nothing awaits its PUBACK. */
  get idle(): boolean {
    return this.next >= this.due && this.inFlight.size === 0 && this.again.length === 0;
  }

  /** To be called now and then: tells the broker that the device lives, and finds out whether the broker does. */
  keepAlive(nowMs: number): void {
    if (!this.ready) return;
    if (nowMs - this.lastHeardMs > KEEPALIVE_S * 1500) {
      this.socket?.destroy(new Error(`the broker was silent for ${KEEPALIVE_S * 1.5} s`));
    } else if (nowMs - this.lastHeardMs > (KEEPALIVE_S * 1000) / 3) {
      this.socket?.write(generate({ cmd: "pingreq" }, VERSION));
    }
  }

  /** Says good-bye; what awaits its PUBACK is given up. */
  close(): void {
    this.ending = true;
    clearTimeout(this.retry);
    if (this.ready) this.socket?.end(generate({ cmd: "disconnect", reasonCode: 0 }, VERSION));
    // A broker that does not close its side must not keep the process.
    const { socket } = this;
    setTimeout(() => socket?.destroy(), 1_000).unref();
    if (!this.ready) socket?.destroy();
    this.ready = false;
  }

  private open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { address, port } = this.target;
      const socket = dial({ host: address, port, noDelay: true });
      const packets = parser(VERSION);
      let reason: string | undefined;
      this.socket = socket;
      const timer = setTimeout(
        () => socket.destroy(new Error(`no CONNACK within ${CONNECT_MS / 1000} s`)),
        CONNECT_MS,
      );
      socket.once("connect", () => socket.write(this.connectPacket()));
      socket.on("data", (bytes: Buffer) => {
        this.lastHeardMs = performance.now();
        packets.parse(bytes);
      });
      packets.on("error", (error: Error) => socket.destroy(error));
      packets.on("packet", (packet) => {
        if (packet.cmd !== "connack") {
          reason = this.take(packet) ?? reason;
          return;
        }
        const refusal = refusalOf(packet);
        if (refusal !== undefined) {
          socket.destroy(new Error(refusal));
          return;
        }
        clearTimeout(timer);
        this.begin(packet);
        resolve();
      });
      socket.on("error", (error) => (reason = error.message));
      socket.once("close", () => {
        clearTimeout(timer);
        const wasReady = this.ready && this.socket === socket;
        const why = reason ?? "the broker closed the connection";
        if (wasReady) this.lose(why);
        // After `resolve` this has no effect.
        reject(new Error(why));
      });
    });
  }

  private connectPacket(): Buffer {
    const { username, password } = this.target;
    return generate(
      {
        cmd: "connect",
        clientId: deviceName(this.index),
        protocolId: "MQTT",
        ...VERSION,
        // Nothing of a simulated device is to stay in the broker.
        clean: true,
        keepalive: KEEPALIVE_S * 2,
        username,
        password: Buffer.from(password),
      },
      VERSION,
    );
  }

  private begin({ properties }: IConnackPacket): void {
    this.ready = true;
    this.readyAtMs = performance.now();
    this.retryMs = RETRY_MS.first;
    this.window = Math.min(MOST_IN_FLIGHT, properties?.receiveMaximum ?? LAST_MESSAGE_ID);
    this.pump();
  }

  /** @returns the reason that the broker gives for closing the connection */
  private take(packet: Packet): string | undefined {
    if (packet.cmd === "puback") {
      const id = packet.messageId ?? 0;
      const sequence = this.inFlight.get(id);
      if (sequence === undefined) return undefined;
      this.inFlight.delete(id);
      this.hooks.onPuback(this.index, sequence, packet.reasonCode ?? 0);
      this.pump();
    } else if (packet.cmd === "disconnect") {
      const code = packet.reasonCode ?? 0;
      if (code === TAKEN_OVER) this.hooks.onTakenOver(this.index);
      return `the broker closed the connection (${reasonName(code)})`;
    }
    return undefined;
  }

  private pump(): void {
    while (this.ready && this.inFlight.size < this.window) {
      const repeated = this.again.shift();
      if (repeated === undefined && this.next >= this.due) return;
      this.publish(repeated ?? this.next++, repeated !== undefined);
    }
  }

  private publish(sequence: number, again: boolean): void {
    do this.messageId = (this.messageId % LAST_MESSAGE_ID) + 1;
    while (this.inFlight.has(this.messageId));
    this.inFlight.set(this.messageId, sequence);
    const packet = generate(
      {
        cmd: "publish",
        topic: deviceTopic(this.index),
        payload: this.hooks.payload(this.index, sequence),
        qos: 1,
        dup: again,
        retain: false,
        messageId: this.messageId,
      },
      VERSION,
    );
    this.socket?.write(packet);
    this.hooks.onSent(this.index, sequence, again);
  }

  private lose(why: string): void {
    this.ready = false;
    this.again = [...this.inFlight.values(), ...this.again].sort((a, b) => a - b);
    this.inFlight.clear();
    if (this.ending) return;
    this.hooks.onDisconnect(this.index, why);
    const isShort = performance.now() - this.readyAtMs < SHORT_LIVES.ms;
    this.shortLives = isShort ? this.shortLives + 1 : 0;
    if (this.shortLives === SHORT_LIVES.count) this.hooks.onTakenOver(this.index);
    this.reconnect();
  }

  private reconnect(): void {
    // Apart from each other: a broker that comes back is not to be met by all at the same moment.
    const pauseMs = this.retryMs * (0.5 + Math.random());
    this.retryMs = Math.min(RETRY_MS.most, this.retryMs * 2);
    this.retry = setTimeout(() => {
      if (this.ending) return;
      this.open().catch(() => {
        if (!this.ending) this.reconnect();
      });
    }, pauseMs);
  }
}

function refusalOf({ reasonCode, returnCode }: IConnackPacket): string | undefined {
  const code = reasonCode ?? returnCode ?? 0;
  return code === 0 ? undefined : `the broker refused it (${reasonName(code)})`;
}

const REASONS: Readonly<Record<number, string>> = {
  0x04: "with its will",
  0x84: "it does not speak MQTT 5",
  0x85: "client id not valid",
  0x86: "bad user name or password",
  0x87: "not authorized",
  0x88: "server unavailable",
  0x89: "server busy",
  0x8b: "it is shutting down",
  0x8d: "keep-alive timeout",
  [TAKEN_OVER]: "another client has the same id",
  0x93: "receive maximum exceeded",
  0x95: "packet too large",
  0x96: "message rate too high",
  0x97: "quota exceeded",
  0x98: "administrative action",
};

/** MQTT 5's reason code in words. */
export function reasonName(code: number): string {
  return REASONS[code] ?? `reason 0x${code.toString(16).padStart(2, "0")}`;
}
