import { Workspace, WorkspaceError } from "../../../../payloads/databricks/workspace";
import { FakeDatabricks } from "../../../support/databricks/fake-databricks";

let server: FakeDatabricks;
beforeEach(async () => {
  server = await FakeDatabricks.start();
});
afterEach(() => server.stop());

const never = new AbortController().signal;
const FILE = "red/partition=0/0-9.jsonl.gz";
const stored = `${FakeDatabricks.access.volume}/${FILE}`;

function workspace(access: object = {}, now?: () => number, requestMs?: number): Workspace {
  const all = { ...FakeDatabricks.access, workspace: server.url, ...access };
  return new Workspace(all, now, requestMs);
}

const statuses = () =>
  server.seen.map(({ path, status }) => `${path.split("/").slice(1, 5).join("/")} ${status}`);

async function refusal(work: Promise<void>): Promise<WorkspaceError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkspaceError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

test("a file arrives byte by byte, in a folder that is made for it; a token serves many", async () => {
  const body = Buffer.from([0, 255, 10, 13, 128]);
  const one = workspace();
  await one.upload(FILE, body, never);
  await one.upload(FILE, body, never);
  expect(server.files.get(stored)).toEqual(body);
  expect(statuses()).toEqual([
    "oidc/v1/token 200",
    "api/2.0/fs/files 404",
    "api/2.0/fs/directories 204",
    "api/2.0/fs/files 204",
    "api/2.0/fs/files 204",
  ]);
});

test("a file of the same name is written over", async () => {
  const one = workspace();
  await one.upload(FILE, Buffer.from("a"), never);
  await one.upload(FILE, Buffer.from("b"), never);
  expect(server.files.get(stored)?.toString()).toBe("b");
});

test("without a client id the secret itself is the token", async () => {
  const { volume } = FakeDatabricks.access;
  const access = { workspace: server.url, volume, secret: "pat" };
  await new Workspace(access).upload(FILE, Buffer.from("a"), never);
  expect(statuses().some((line) => line.startsWith("oidc"))).toBe(false);
});

test("a token is renewed before it expires, and at once when it is revoked", async () => {
  let now = 0;
  server.makesFolders = true;
  const one = workspace({}, () => now);
  await one.upload(FILE, Buffer.from("a"), never);
  now = 3_400_000;
  await one.upload(FILE, Buffer.from("a"), never);
  expect(statuses().filter((line) => line.startsWith("oidc"))).toHaveLength(1);
  now = 3_500_000;
  await one.upload(FILE, Buffer.from("a"), never);
  expect(statuses().filter((line) => line.startsWith("oidc"))).toHaveLength(2);
  server.revokeTokens();
  await one.upload(FILE, Buffer.from("a"), never);
  expect(statuses().slice(-3)).toEqual([
    "api/2.0/fs/files 401",
    "oidc/v1/token 200",
    "api/2.0/fs/files 204",
  ]);
});

test("a wrong secret is told, and not repeated", async () => {
  const { status, message } = await refusal(
    workspace({ secret: "other-secret" }).upload(FILE, Buffer.from("a"), never),
  );
  expect(status).toBe(401);
  expect(message).toBe(
    "the login (/oidc/v1/token): 401 invalid_client: Client authentication failed",
  );
  const pat = await refusal(
    workspace({ clientId: undefined, secret: "old-pat" }).upload(FILE, Buffer.from("a"), never),
  );
  expect(pat.status).toBe(401);
  expect(`${message} ${pat.message} ${pat.stack}`).not.toMatch(/other-secret|old-pat/);
});

test("an answer that repeats a secret is told without it, also where it is cut off", async () => {
  server.volumeIsThere = false;
  const { volume } = FakeDatabricks.access;
  const access = { workspace: server.url, volume, secret: "pat" };
  for (let length = 120; length < 150; length++) {
    const file = `${"x".repeat(length)}pat/0-9.jsonl.gz`;
    const { message } = await refusal(new Workspace(access).upload(file, Buffer.from("a"), never));
    const told = message.slice(message.indexOf("404"));
    expect(told).not.toMatch(/xp/);
  }
});

test("a volume that is not there, or may not be written to, is told by Databricks' words", async () => {
  server.volumeIsThere = false;
  const absent = await refusal(workspace().upload(FILE, Buffer.from("a"), never));
  expect(absent.message).toMatch(/^directories .*: 404 NOT_FOUND: PUT /);
  server.volumeIsThere = true;
  server.mayWrite = false;
  const denied = await refusal(workspace().upload(FILE, Buffer.from("a"), never));
  expect(denied.message).toMatch(/^files .*: 403 PERMISSION_DENIED: PUT /);
});

test("how long to wait is taken from the answer", async () => {
  server.faults.push({ status: 429, retryAfter: "7" });
  const { status, retryMs } = await refusal(workspace().upload(FILE, Buffer.from("a"), never));
  expect({ status, retryMs }).toEqual({ status: 429, retryMs: 7000 });
});

test("no answer, a lost connection and a server that is away are told as such", async () => {
  server.makesFolders = true;
  server.faults.push("dropped before");
  const dropped = await refusal(workspace().upload(FILE, Buffer.from("a"), never));
  expect(dropped.status).toBeUndefined();
  expect(dropped.message).toMatch(/^files .*: other side closed$/);
  await server.stop();
  const away = await refusal(workspace().upload(FILE, Buffer.from("a"), never));
  // A connection that was kept open is found closed; a new one is refused.
  expect(away.message).toMatch(/^the login .*: (other side closed|ECONNREFUSED)$/);
  server = await FakeDatabricks.start();
});
