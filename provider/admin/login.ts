/** What servers say of logins: a refusal is an answer, and no sign of a server that is away. */
import type * as client from "@platformatic/kafka";

import { loadClient } from "./client";
import { type AdminOptions, KafkaError, type Sasl } from "./port";

/** What the client nests: Kafka's own error is the innermost one. */
interface Fault {
  readonly message?: string;
  readonly code?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
  /** Kafka's name of the error, and the server's words. */
  readonly apiId?: string;
  readonly serverErrorMessage?: string | null;
  readonly response?: { readonly mechanisms?: readonly string[] };
}

/** The client's code for a login that it gave up itself, such as one to an impostor. */
const GIVEN_UP = "PLT_KFK_AUTHENTICATION";

/**
 * The refusal in a dial's failure; undefined where the connection was lost, or did not come about.
 * The password is in none of its words.
 */
export function loginRefusal(server: string, sasl: Sasl, failure: unknown): KafkaError | undefined {
  const faults = chainOf(failure);
  const answer = faults.find(({ apiId }) => apiId !== undefined);
  const last = faults.at(-1);
  const refused = `${server} refused the login of "${sasl.username}" by ${sasl.mechanism}`;
  if (answer?.apiId === "UNSUPPORTED_SASL_MECHANISM") {
    const known = faults.find(({ response }) => response !== undefined)?.response?.mechanisms ?? [];
    const words = `${refused}: it takes ${known.join(", ")}. Choose one of them as sasl.mechanism.`;
    return new KafkaError("refused", words, answer.apiId);
  }
  if (answer?.apiId === "ILLEGAL_SASL_STATE") {
    const words = `${refused}: its listener asks for no login. Leave sasl out, or name the listener that does.`;
    return new KafkaError("refused", words, answer.apiId);
  }
  if (answer?.apiId !== undefined) {
    const words = answer.serverErrorMessage ?? answer.message ?? "no further words";
    return new KafkaError("refused", `${refused}: ${answer.apiId}: ${words}`, answer.apiId);
  }
  if (last?.code !== GIVEN_UP) return undefined;
  return new KafkaError("refused", `${refused}: ${last.message}`, "SASL_AUTHENTICATION_FAILED");
}

const REFUSALS: readonly (string | undefined)[] = [
  "SASL_AUTHENTICATION_FAILED",
  "UNSUPPORTED_SASL_MECHANISM",
  "ILLEGAL_SASL_STATE",
];

/** Whether it says that a login, or one that is missing, is what stands in the way. */
export function isLoginRefusal(error: unknown): error is KafkaError {
  return error instanceof KafkaError && REFUSALS.includes(error.code);
}

/**
 * Asks a server that has closed a connection without a word whether it wants a login, as a listener does
 * that asks for one: undefined if not.
 */
export async function loginWanted(
  server: string,
  { host, port }: { readonly host: string; readonly port: number },
  { connectTimeoutMs, requestTimeoutMs }: AdminOptions,
): Promise<KafkaError | undefined> {
  const { Connection, saslHandshakeV1 } = await loadClient();
  const connection: client.Connection = new Connection("pi-lab", {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
  });
  connection.on("error", () => {});
  try {
    await connection.connect(host, port);
    // No server has such a mechanism: one that asks for logins lists those that it has.
    await saslHandshakeV1.api.async(connection, "NONE");
    return undefined;
  } catch (error) {
    const faults = chainOf(error);
    const known = faults.find(({ response }) => response !== undefined)?.response?.mechanisms ?? [];
    if (!faults.some(({ apiId }) => apiId === "UNSUPPORTED_SASL_MECHANISM")) return undefined;
    return new KafkaError(
      "refused",
      `${server} answers only who has logged in, by ${known.join(" or ")}. Give the provider pilab its sasl.`,
      "ILLEGAL_SASL_STATE",
    );
  } finally {
    await connection.close().catch(() => {});
  }
}

function chainOf(failure: unknown): Fault[] {
  const faults: Fault[] = [];
  for (let fault = failure as Fault | undefined; fault !== undefined && fault !== null;) {
    faults.push(fault);
    fault = (fault.errors?.[0] ?? fault.cause) as Fault | undefined;
  }
  return faults;
}
