// Not from the model's index: the plugin starts faster without the configuration's schema.
import { boards } from "../../model/catalogue";
import type { BoardName, PackageSource, Role } from "../../model/types";
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, reveal } from "../../plugins/common/rpc";

/** What a machine is to be good for. */
export interface Wanted {
  readonly role: Role;
  /** The board that the configuration declares. */
  readonly board: BoardName;
  /** Where the machine answers; Kafka's listeners are bound to it. */
  readonly address: string;
  /** How many programs of the lab's run there. Default 0. */
  readonly programs?: number;
  /** `controller`: its packages come through this machine. Default: it fetches them itself. */
  readonly packagesFrom?: PackageSource;
  /** The mirrors that they may come from then. Default: any. */
  readonly packageMirrors?: readonly string[];
  /** Present on brokers and controllers. */
  readonly kafka?: WantedKafka;
}

export interface WantedKafka {
  /** Kafka `node.id`. */
  readonly nodeId: number;
  readonly heapMib: number;
  /** Undefined on a controller alone. */
  readonly clientPort: number | undefined;
  /** Undefined on a broker that is no controller. */
  readonly controllerPort: number | undefined;
  /** Kafka's `log.dirs`. */
  readonly dataDir: string;
  /** The cluster's id; undefined: the lab has none yet, so that any formatted disk is somebody else's. */
  readonly clusterId: string | undefined;
}

/** Reads one host's part of the resource's inputs. All of it is known by the time that a host is looked at. */
export function parseWanted(
  value: PropertyValue | undefined,
  clusterId: PropertyValue | undefined,
): Wanted {
  const host = reveal(value);
  if (!isMap(host)) throw new Error("hosts: must be maps");
  const { role, board, connection, kafka } = host;
  if (!isMap(connection)) throw new Error("connection: is missing");
  if (!isRole(role)) throw new Error(`role: must be one of ${roles.join(", ")}`);
  if (!isBoard(board)) throw new Error(`board: must be one of ${Object.keys(boards).join(", ")}`);
  const programs = host["programs"] === undefined ? {} : { programs: whole(host, "programs") };
  const from = host["packagesFrom"] === "controller" ? { packagesFrom: "controller" as const } : {};
  const mirrors = reveal(host["packageMirrors"]);
  const packageMirrors = Array.isArray(mirrors) ? { packageMirrors: mirrors.map(String) } : {};
  const base = {
    role,
    board,
    ...programs,
    ...from,
    ...packageMirrors,
    address: text(connection, "host"),
  };
  if (role !== "broker" && role !== "controller") return base;
  if (!isMap(kafka)) throw new Error("kafka: is missing");
  const id = reveal(clusterId);
  return {
    ...base,
    kafka: {
      nodeId: whole(kafka, "nodeId"),
      heapMib: whole(kafka, "heapMib"),
      clientPort: kafka["clientPort"] === undefined ? undefined : whole(kafka, "clientPort"),
      controllerPort:
        kafka["controllerPort"] === undefined ? undefined : whole(kafka, "controllerPort"),
      dataDir: text(kafka, "dataDir"),
      clusterId: typeof id === "string" ? id : undefined,
    },
  };
}

const roles: readonly Role[] = ["broker", "controller", "client", "host"];

const isRole = (value: PropertyValue | undefined): value is Role =>
  roles.some((role) => role === value);

const isBoard = (value: PropertyValue | undefined): value is BoardName =>
  typeof value === "string" && Object.hasOwn(boards, value);

function text(map: PropertyMap, key: string): string {
  const value = map[key];
  if (typeof value !== "string" || value === "") throw new Error(`${key}: is missing`);
  return value;
}

function whole(map: PropertyMap, key: string): number {
  const value = map[key];
  if (typeof value !== "number") throw new Error(`${key}: must be a number`);
  return value;
}
