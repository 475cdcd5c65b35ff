import { connect, type IConnackPacket } from "mqtt";
import { Counter, Gauge, type Registry } from "prom-client";
import type { MqttAccess } from "../../model";
import type { Log } from "./log";

export interface PublisherOptions {
  readonly access: MqttAccess;
  /** Who else connects with it throws this one off. */
  readonly clientId: string;
  /** Messages that wait while the broker is away or slow; of more, the oldest are dropped and counted. */
  readonly capacity: number;
  readonly log: Log;
  readonly metrics: Registry;
  /** What its figures' names begin with, e.g. `pilab_telemetry`. */
  readonly prefix: string;
  /** Wait before the first attempt to connect again, ms; doubled at each failure up to `MAX_BACKOFF_MS`. Default 500. */
  readonly backoffMs?: number;
}

/** Publishes with QoS 1 on one connection, which it opens again for ever. */
export interface Publisher {
  /** Never waits and never throws: what cannot be sent yet is kept in order. */
  publish(topic: string, payload: string): void;
  /** Undefined while it is connected, else since when it is not, and why. */
  health(): string | undefined;
  /** Takes no more, waits for the acknowledgements, at most so long, and disconnects. */
  stop(timeoutMs: number): Promise<void>;
}

/** Messages on the way that are not acknowledged yet: mqtt.js sends them again on a new connection. */
const WINDOW = 50;
const MAX_BACKOFF_MS = 10_000;
const CONNECT_MS = 5_000;
const KEEPALIVE_SECONDS = 15;
/** What a PUBLISH has beside topic and payload: header, lengths, packet id, no properties. */
const OVERHEAD_BYTES = 10;

interface Message {
  readonly topic: string;
  readonly payload: string;
}

/**
 * Speaks MQTT 5, in which a broker says that it refuses a message; in 3.1.1 it acknowledges it all the same.
 * Begins to connect at once; a wrong password is tried again as well, since it may be the broker's that
 * changes.
 */
export function openPublisher(options: PublisherOptions): Publisher {
  const { access, clientId, capacity, log, backoffMs = 500 } = options;
  const figures = makeFigures(options, () => waiting.length + inFlight);
  const waiting: Message[] = [];
  let inFlight = 0;
  let isStopping = false;
  let greatestPacket = Infinity;
  let awaySince: number | undefined = Date.now();
  let cause = "not connected yet";
  let idle: (() => void) | undefined;

  const client = connect({
    protocol: "mqtt",
    protocolVersion: 5,
    host: access.address,
    port: access.port,
    username: access.username,
    password: access.password,
    clientId,
    clean: true,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_MS,
    reconnectPeriod: backoffMs,
    reconnectOnConnackError: true,
  });

  const settled = (outcome: "acknowledged" | "refused") => {
    inFlight--;
    figures[outcome].inc();
    pump();
    if (inFlight === 0 && waiting.length === 0) idle?.();
  };
  const send = ({ topic, payload }: Message) => {
    inFlight++;
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + OVERHEAD_BYTES;
    if (bytes > greatestPacket) {
      // The broker would close the connection, now and each time that it is sent again.
      log("error", "message larger than the broker takes", { topic, bytes, limit: greatestPacket });
      return setImmediate(settled, "refused");
    }
    return client.publish(topic, payload, { qos: 1 }, (error) => {
      if (error === undefined || error === null) {
        client.options.reconnectPeriod = backoffMs;
        return settled("acknowledged");
      }
      log("error", "message refused by the broker", { topic, error: error.message });
      settled("refused");
    });
  };
  const pump = () => {
    while (client.connected && inFlight < WINDOW) {
      const message = waiting.shift();
      if (message === undefined) return;
      send(message);
    }
  };

  client.on("connect", ({ properties }: IConnackPacket) => {
    greatestPacket = properties?.maximumPacketSize ?? Infinity;
    awaySince = undefined;
    figures.connected.set(1);
    figures.connections.inc();
    log("info", "connected to the MQTT broker", { broker: `${access.address}:${access.port}` });
    pump();
  });
  client.on("error", ({ message }) => {
    if (message !== cause) log("warn", "MQTT", { error: message });
    cause = message;
  });
  client.on("close", () => {
    figures.connected.set(0);
    if (awaySince === undefined) {
      awaySince = Date.now();
      cause = "the connection was closed";
      if (!isStopping) log("warn", "connection to the MQTT broker lost");
    }
    // It takes effect at the next failure. Spread, so that a whole lab does not come back at once.
    const doubled = Math.min((client.options.reconnectPeriod ?? backoffMs) * 2, MAX_BACKOFF_MS);
    client.options.reconnectPeriod = Math.ceil(doubled * (0.75 + Math.random() / 4));
  });

  return {
    publish(topic, payload) {
      if (isStopping) return;
      waiting.push({ topic, payload });
      pump();
      while (waiting.length > capacity) {
        waiting.shift();
        figures.dropped.inc();
      }
    },
    health() {
      if (awaySince === undefined) return undefined;
      const seconds = Math.round((Date.now() - awaySince) / 1000);
      return `no MQTT broker at ${access.address}:${access.port} for ${seconds} s: ${cause}`;
    },
    async stop(timeoutMs) {
      isStopping = true;
      await new Promise<void>((resolve) => {
        if (inFlight === 0 && waiting.length === 0) return resolve();
        const timer = setTimeout(resolve, timeoutMs);
        idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      const left = inFlight + waiting.length;
      if (left > 0) {
        const seconds = timeoutMs / 1000;
        log("warn", "stopped with messages that the broker has not acknowledged", {
          left,
          seconds,
        });
      }
      await client.endAsync(left > 0);
    },
  };
}

function makeFigures({ prefix, metrics }: PublisherOptions, waiting: () => number) {
  const registers = [metrics];
  const counter = (name: string, help: string) =>
    new Counter({ name: `${prefix}_mqtt_${name}`, help, registers });
  const gauge = (name: string, help: string, collect?: (this: Gauge) => void) =>
    new Gauge({ name: `${prefix}_mqtt_${name}`, help, registers, ...(collect && { collect }) });
  gauge("waiting_messages", "Messages that the broker has not acknowledged yet.", function () {
    this.set(waiting());
  });
  return {
    connected: gauge("connected", "Whether it is connected to the MQTT broker."),
    connections: counter("connections_total", "Connections that were opened."),
    acknowledged: counter("acknowledged_total", "Messages that the broker has acknowledged."),
    refused: counter("refused_total", "Messages that the broker will not take."),
    dropped: counter("dropped_total", "Messages that were dropped, since too many waited."),
  };
}
