import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { generate, parser, type Packet } from "mqtt-packet";
import { waitFor } from "../wait";

const V5 = { protocolVersion: 5 } as const;

/** An MQTT broker's side of one connection: answers what a test does not, and keeps what came. */
export class ScriptedClient {
  readonly came: Packet[] = [];
  closed = false;

  constructor(
    readonly socket: Socket,
    private readonly answer: (packet: Packet) => Packet | undefined,
  ) {
    const packets = parser(V5);
    packets.on("packet", (packet) => {
      this.came.push(packet);
      const reply = this.answer(packet);
      if (reply !== undefined) this.send(reply);
    });
    socket.on("data", (chunk) => packets.parse(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.closed = true));
  }

  send(...packets: Packet[]): void {
    this.socket.write(Buffer.concat(packets.map((packet) => generate(packet, V5))));
  }

  /** Sends messages of quality of service 1 with these ids. */
  publish(topic: string, ids: readonly number[], dup = false): void {
    this.send(
      ...ids.map((messageId): Packet => ({
        ...{ cmd: "publish", topic, payload: `message ${messageId}`, qos: 1, dup },
        ...{ retain: false, messageId },
      })),
    );
  }

  acknowledged(): number[] {
    return this.came.flatMap(({ cmd, messageId }) =>
      cmd === "puback" && messageId !== undefined ? [messageId] : [],
    );
  }

  got(cmd: Packet["cmd"]): Promise<Packet> {
    return waitFor(
      `a ${cmd} from the client`,
      () => Promise.resolve(this.came.find((packet) => packet.cmd === cmd)),
      { deadlineMs: 10_000, pauseMs: 5 },
    );
  }
}

/** What a broker that takes everything answers. */
export function friendly(packet: Packet): Packet | undefined {
  const { messageId = 0 } = packet;
  if (packet.cmd === "connect") return { cmd: "connack", reasonCode: 0, sessionPresent: false };
  if (packet.cmd === "pingreq") return { cmd: "pingresp" };
  if (packet.cmd === "subscribe") {
    return { cmd: "suback", messageId, granted: packet.subscriptions.map(({ qos }) => qos) };
  }
  if (packet.cmd === "unsubscribe") {
    return { cmd: "unsuback", messageId, granted: packet.unsubscriptions.map(() => 0) };
  }
  const isToAnswer = packet.cmd === "publish" && packet.qos === 1;
  return isToAnswer ? { cmd: "puback", messageId, reasonCode: 0 } : undefined;
}

/** Listens on loopback and lets a test play the MQTT broker. */
export class ScriptedBroker {
  readonly clients: ScriptedClient[] = [];
  /** How it answers; a test may change it for what comes next. */
  answer = friendly;

  private constructor(private readonly server: Server) {
    server.on("connection", (socket) => {
      this.clients.push(new ScriptedClient(socket, (packet) => this.answer(packet)));
    });
  }

  static async start(): Promise<ScriptedBroker> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ScriptedBroker(server);
  }

  get access() {
    const { port } = this.server.address() as AddressInfo;
    return { address: "127.0.0.1", port, username: "bridge-data-1", password: "secret-word" };
  }

  /** The Nth client that has connected, from 1. */
  client(n = 1): Promise<ScriptedClient> {
    return waitFor(`MQTT client ${n}`, () => Promise.resolve(this.clients[n - 1]), {
      deadlineMs: 10_000,
      pauseMs: 5,
    });
  }

  async stop(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
