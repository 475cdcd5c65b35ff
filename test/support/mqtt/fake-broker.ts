import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  generate,
  parser,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
} from "mqtt-packet";

/** A broker that does as a test says: for answers that a real one gives too seldom or too late. */
export class FakeBroker {
  /** Every PUBLISH that came, in order. */
  readonly published: { topic: string; payload: string; messageId: number }[] = [];
  /** Every CONNECT that came. */
  readonly connects: IConnectPacket[] = [];
  /** Whether a PUBLISH is acknowledged at once. */
  acknowledges = true;
  /** Reason code of a CONNACK; 0 lets in. */
  connackCode = 0;
  /** Reason code of a PUBACK to this topic. */
  readonly pubackCodes = new Map<string, number>();
  maximumPacketSize: number | undefined;
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  port = 0;

  /** Listens: on a free port, and after a `close` on the same again. */
  async listen(): Promise<void> {
    const server = createServer((socket) => this.serve(socket));
    this.server = server;
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
  }

  /** Drops every connection, and listens no more. */
  async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    this.drop();
    if (server === undefined) return;
    await new Promise((resolve) => server.close(resolve));
  }

  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Acknowledges what came and was not acknowledged. */
  acknowledge(messageId: number): void {
    for (const socket of this.sockets) this.send(socket, { cmd: "puback", messageId });
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    const incoming = parser({ protocolVersion: 5 });
    socket.on("data", (data) => void incoming.parse(data));
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => undefined);
    incoming.on("packet", (packet: Packet) => this.answer(socket, packet));
  }

  private answer(socket: Socket, packet: Packet): void {
    if (packet.cmd === "connect") return this.letIn(socket, packet);
    if (packet.cmd === "publish") return this.receive(socket, packet);
    if (packet.cmd === "pingreq") return this.send(socket, { cmd: "pingresp" });
    if (packet.cmd !== "disconnect") throw new Error(`the fake broker knows no ${packet.cmd}`);
    socket.end();
  }

  private letIn(socket: Socket, packet: IConnectPacket): void {
    this.connects.push(packet);
    const { maximumPacketSize } = this;
    this.send(socket, {
      cmd: "connack",
      sessionPresent: false,
      reasonCode: this.connackCode,
      ...(maximumPacketSize !== undefined && { properties: { maximumPacketSize } }),
    });
    if (this.connackCode !== 0) socket.end();
  }

  private receive(socket: Socket, packet: IPublishPacket): void {
    const { topic, payload, messageId = 0 } = packet;
    this.published.push({ topic, payload: payload.toString(), messageId });
    const reasonCode = this.pubackCodes.get(topic) ?? 0;
    if (this.acknowledges) this.send(socket, { cmd: "puback", messageId, reasonCode });
  }

  private send(socket: Socket, packet: Packet): void {
    socket.write(generate(packet, { protocolVersion: 5 }));
  }
}
