import { AuthenticationError, NetworkError, ResponseError } from "@platformatic/kafka";

import { isLoginRefusal, loginRefusal } from "../../../../provider/admin/login";
import { KafkaError, type Sasl } from "../../../../provider/admin/port";

const SASL: Sasl = { mechanism: "SCRAM-SHA-512", username: "alice", password: "hush" };
const SERVER = "broker-1:9092";

/** As the client nests what a server answers to a dial. */
const dialFailure = (cause: Error): Error => new NetworkError("Connection failed.", { cause });
const answer = (code: number, words: string | null, response: object = {}): Error =>
  new ResponseError(36, 2, { "/": [code, words] }, response);

test.each([
  [
    "told by the handshake",
    new AuthenticationError("failed", { cause: answer(58, "who are you?") }),
  ],
  ["told at once", answer(58, "who are you?")],
])("a refusal that is %s names server, user, mechanism and reason", (_, cause) => {
  const refusal = loginRefusal(SERVER, SASL, dialFailure(cause));
  expect(refusal).toMatchObject({ kind: "refused", code: "SASL_AUTHENTICATION_FAILED" });
  expect(refusal?.message).toBe(
    'broker-1:9092 refused the login of "alice" by SCRAM-SHA-512: SASL_AUTHENTICATION_FAILED: who are you?',
  );
  expect(isLoginRefusal(refusal)).toBe(true);
});

test("a mechanism that is not taken is told with those that are", () => {
  const cause = new AuthenticationError("Cannot find a suitable SASL mechanism.", {
    cause: answer(33, null, { mechanisms: ["PLAIN", "GSSAPI"] }),
  });
  expect(loginRefusal(SERVER, SASL, dialFailure(cause))?.message).toBe(
    'broker-1:9092 refused the login of "alice" by SCRAM-SHA-512: it takes PLAIN, GSSAPI. Choose one of them as sasl.mechanism.',
  );
});

test("a listener that asks for no login is told", () => {
  const refusal = loginRefusal(SERVER, SASL, dialFailure(answer(34, null)));
  expect(refusal?.code).toBe("ILLEGAL_SASL_STATE");
  expect(refusal?.message).toMatch(/its listener asks for no login\. Leave sasl out/);
});

test("a server that cannot prove that it knows the password is refused", () => {
  const impostor = new AuthenticationError("Invalid server signature.");
  expect(loginRefusal(SERVER, SASL, dialFailure(impostor))).toMatchObject({
    kind: "refused",
    code: "SASL_AUTHENTICATION_FAILED",
  });
});

test("a connection that is lost while logging in is no refusal", () => {
  const lost = new AuthenticationError("Cannot find a suitable SASL mechanism.", {
    cause: new NetworkError("Connection closed"),
  });
  expect(loginRefusal(SERVER, SASL, dialFailure(lost))).toBeUndefined();
  const gone = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  expect(loginRefusal(SERVER, SASL, dialFailure(gone))).toBeUndefined();
});

test("other refusals are not of logins", () => {
  expect(isLoginRefusal(new KafkaError("refused", "no", "INVALID_CONFIG"))).toBe(false);
  expect(isLoginRefusal(new Error("no"))).toBe(false);
});
