import type { Duplex } from "node:stream";

import type { ExecResult, SshTarget } from "../../plugins/common/ssh";
import type { PropertyValue } from "../../plugins/common/rpc";
import { isMap, reveal } from "../../plugins/common/rpc";

export { quote } from "../../shared/shell";

/** A host's login, as the resources' `connection` gives it. */
export interface Login extends SshTarget {
  readonly user: string;
  readonly sudo: boolean;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Default: 60,000. */
  readonly timeoutMs?: number;
  /** What errors call the command. */
  readonly label?: string;
}

/** A host that is logged in. */
export interface HostShell {
  /** Runs a command line as root. A status other than 0 is a result, not an error. */
  run(command: string, options?: RunOptions): Promise<ExecResult>;
  /**
   * Has the host listen on a free port of its loopback, until the connection ends.
   * @param serve gets each connection to it
   * @returns the port
   */
  forwardIn(serve: (connection: Duplex) => void): Promise<number>;
  close(): void;
}

export interface OpenOptions {
  /** Logical host name, first word of every error. */
  readonly host: string;
  readonly signal: AbortSignal;
  readonly status?: (line: string) => void;
  /** Further tries after the first one; default 10, about 40 s for a host that is off. */
  readonly retries?: number;
  /** For one try, ms; default 15,000. */
  readonly dialTimeoutMs?: number;
}

/** Logs in to a host; the host key is always verified. */
export type OpenShell = (login: Login, options: OpenOptions) => Promise<HostShell>;

/** Reads a resource's `connection`. All of it must be known. */
export function parseLogin(value: PropertyValue | undefined): Login {
  const map = reveal(value);
  if (!isMap(map)) throw new Error("connection: is missing");
  const text = (key: string): string => {
    const item = map[key];
    if (typeof item !== "string" || item === "") throw new Error(`connection.${key}: is missing`);
    return item;
  };
  const user = text("user");
  const privateKey = map["privateKey"];
  return {
    host: text("host"),
    port: typeof map["port"] === "number" ? map["port"] : 22,
    user,
    hostKey: text("hostKey"),
    ...(typeof privateKey === "string" ? { privateKey } : {}),
    sudo: typeof map["sudo"] === "boolean" ? map["sudo"] : user !== "root",
  };
}
