import type { BoardName, KafkaVersion } from "./types";

export interface Board {
  /** Memory that is printed on the box, MiB; a virtual Pi gets it as its limit. */
  readonly memoryMib: number;
}

/** Boards by name. Sizes: https://www.raspberrypi.com/products/. */
export const boards: Readonly<Record<BoardName, Board>> = {
  "pi-4b-2gb": { memoryMib: 2048 },
  "pi-4b-4gb": { memoryMib: 4096 },
  "pi-4b-8gb": { memoryMib: 8192 },
  "pi-5-2gb": { memoryMib: 2048 },
  "pi-5-4gb": { memoryMib: 4096 },
  "pi-5-8gb": { memoryMib: 8192 },
  "pi-5-16gb": { memoryMib: 16384 },
};

export const boardNames = Object.keys(boards) as readonly BoardName[];

export interface SwitchModel {
  readonly ports: number;
}

/** Switches by model: SW-005 and SW-008 are Brainboxes' unmanaged Ethernet switches of 5 and 8 ports. */
export const switchModels: Readonly<Record<string, SwitchModel>> = {
  "SW-005": { ports: 5 },
  "SW-008": { ports: 8 },
};

/** The version that the lab runs where none is named; the one that the lab's tests run. */
export const DEFAULT_KAFKA_VERSION: KafkaVersion = "4.1.1";

/**
 * Versions that the lab takes. From 4.1 on a new cluster keeps `min.insync.replicas` as a
 * cluster-level setting (eligible leader replicas), which the lab builds upon.
 */
export const kafkaVersions: readonly KafkaVersion[] = ["4.1.1", "4.1.2", "4.2.0", "4.3.0", "4.4.0"];

/** Image of a virtual Pi where none is named; `toolchain/` builds it. */
export const DEFAULT_IMAGE = "pi-lab/virtual-pi:bookworm-1";

/** The Node.js that programs on hosts run on: the newest of the line that is kept up longest. */
/** Prometheus' agent for JVMs, as the toolchain fetches it. */
export const JMX_AGENT_VERSION = "1.0.1";

/** TCP port of a Kafka node's figures, where they are asked for: the one that others' examples use. */
export const METRICS_PORT = 7071;

export const NODE_VERSION = "22.23.3";

/** The processor of every board, by Node's name. */
export const PI_ARCH = "arm64";
