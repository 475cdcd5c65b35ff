import type { PropertyMap, PropertyValue } from "../common/rpc";
import { isMap, reveal } from "../common/rpc";
import type { ConnectOptions, SshTarget } from "../common/ssh";
import { parseHostKey } from "../common/ssh";
import type { Checker } from "./check";
import { inside, secret } from "./check";

/** Filled in where the program says nothing, and visible in the resource's inputs. */
const DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 } as const;

/** Secret by themselves, besides the connection as a whole. */
const SECRETS = ["password", "privateKey", "privateKeyPassword"] as const;

/** Checks the property `connection`; gives it with its defaults, marked as secret. */
export function checkConnection(checker: Checker, value: PropertyValue): PropertyValue {
  const checked = inside(value, (connection) => {
    if (!isMap(connection)) {
      if (typeof connection !== "object" || connection === null) {
        checker.fail(["connection"], "must be an object with at least a host");
      }
      return connection;
    }
    const path = ["connection"];
    checker.required(connection, ["host"], path);
    checker.kinds(
      connection,
      {
        host: "string",
        port: "number",
        user: "string",
        password: "string",
        privateKey: "string",
        privateKeyPassword: "string",
        agentSocketPath: "string",
        hostKey: "string",
        dialErrorLimit: "number",
        perDialTimeout: "number",
      },
      path,
    );
    checkHostKey(checker, connection);
    if ((connection["proxy"] ?? null) !== null) {
      checker.fail([...path, "proxy"], "jump hosts need the official command plugin");
    }
    const full: PropertyMap = { ...DEFAULTS, ...connection };
    for (const name of SECRETS) {
      const part = full[name];
      if (part !== undefined && part !== null) full[name] = secret(part);
    }
    return full;
  });
  return secret(checked);
}

/** A key that cannot be read is found in the preview, not after half of the resources. */
function checkHostKey(checker: Checker, connection: PropertyMap): void {
  const key = reveal(connection["hostKey"]);
  if (typeof key !== "string") return;
  try {
    parseHostKey(key);
  } catch (error) {
    checker.fail(["connection", "hostKey"], (error as Error).message);
  }
}

export interface Connection {
  readonly target: SshTarget;
  readonly options: Pick<ConnectOptions, "dialTimeoutMs" | "retries">;
  /** Texts that no message may contain. */
  readonly secrets: readonly string[];
}

/** Reads a connection that has been checked. */
export function readConnection(value: PropertyValue | undefined): Connection {
  const connection = reveal(value) as PropertyMap;
  const text = (name: string): string | undefined => {
    const part = connection[name];
    return typeof part === "string" ? part : undefined;
  };
  const number = (name: keyof typeof DEFAULTS, fallback: number): number => {
    const part = connection[name];
    return typeof part === "number" ? part : fallback;
  };
  return {
    target: {
      host: text("host") ?? "",
      port: number("port", DEFAULTS.port),
      user: text("user") ?? DEFAULTS.user,
      privateKey: text("privateKey"),
      privateKeyPassword: text("privateKeyPassword"),
      password: text("password"),
      agentSocketPath: text("agentSocketPath"),
      hostKey: text("hostKey"),
    },
    options: {
      dialTimeoutMs: number("perDialTimeout", DEFAULTS.perDialTimeout) * 1000,
      retries: number("dialErrorLimit", DEFAULTS.dialErrorLimit),
    },
    secrets: SECRETS.map(text).filter((part) => part !== undefined),
  };
}
