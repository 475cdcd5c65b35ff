import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import type { ConnectOptions, SshSession, SshTarget } from "../../../../../plugins/common/ssh";
import { connect, fingerprint, parseHostKey, SshError } from "../../../../../plugins/common/ssh";
import type { ServerOptions, TestServer } from "../../../../support/ssh/server";
import { generateKey, startSshServer } from "../../../../support/ssh/server";

const userKey = generateKey();
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startSshServer({ authorizedKeys: [userKey.publicKey], ...options });
  cleanups.push(() => server.close());
  return server;
}

const targetOf = (server: TestServer): SshTarget => ({
  host: "127.0.0.1",
  port: server.port,
  user: "pi",
  privateKey: userKey.privateKey,
  hostKey: server.hostKeys[0]?.publicKey,
});

async function connectTo(
  server: TestServer,
  target: Partial<SshTarget> = {},
  options: ConnectOptions = {},
): Promise<SshSession> {
  const session = await connect({ ...targetOf(server), ...target }, { retries: 0, ...options });
  cleanups.push(() => session.close());
  return session;
}

/** The error that a promise is rejected with; fails if it is not. */
async function errorOf(promise: Promise<unknown>): Promise<SshError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(SshError);
  return outcome as SshError;
}

describe("exec", () => {
  test("gives output, errors and status", async () => {
    const session = await connectTo(await startServer());
    expect(await session.exec("echo out; echo err >&2; exit 3")).toEqual({
      stdout: "out\n",
      stderr: "err\n",
      code: 3,
    });
  });

  test("misses nothing of a command whose output, status and end come in one piece", async () => {
    const session = await connectTo(await startServer({ instantOutput: "quick\n" }));
    for (let i = 0; i < 10; i++) {
      expect(await session.exec("true")).toEqual({ stdout: "quick\n", stderr: "", code: 5 });
    }
  });

  test("passes standard input of any size, which ends", async () => {
    const session = await connectTo(await startServer());
    const stdin = "x".repeat(5_000_000);
    expect(await session.exec("wc -c", { stdin })).toMatchObject({ stdout: "5000000\n", code: 0 });
  });

  test("a command that does not read its input is judged by its status", async () => {
    const session = await connectTo(await startServer());
    const stdin = "x".repeat(1_000_000);
    expect(await session.exec("exec 0<&-; exit 7", { stdin })).toMatchObject({ code: 7 });
  });

  test("names the signal that killed the command", async () => {
    const session = await connectTo(await startServer());
    const result = await session.exec("kill -KILL $$");
    expect(result).toMatchObject({ code: 137, signal: "KILL" });
  });

  test("streams text without cutting characters", async () => {
    const session = await connectTo(await startServer());
    const pieces: string[] = [];
    const command = "printf '\\303'; sleep 0.1; printf '\\244'";
    await session.exec(command, { onStdout: (text) => pieces.push(text) });
    expect(pieces).toEqual(["ä"]);
  });

  test("output that need not be kept is streamed, and is in no result", async () => {
    const session = await connectTo(await startServer());
    let streamed = "";
    const onStdout = (text: string): void => void (streamed += text);
    const result = await session.exec("echo out; echo err >&2", { onStdout, keep: false });
    expect(streamed).toBe("out\n");
    expect(result).toEqual({ stdout: "", stderr: "", code: 0 });
  });

  test("several commands run on one connection at once", async () => {
    const server = await startServer();
    const session = await connectTo(server);
    const results = await Promise.all(["1", "2", "3"].map((n) => session.exec(`echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n", "3\n"]);
    expect(server.connections()).toBe(1);
  });

  test("sets the variables that the server lets in", async () => {
    const session = await connectTo(await startServer({ acceptEnv: ["A", "B"] }));
    const env = { A: "one", B: "two words" };
    expect((await session.exec("echo $A/$B", { env })).stdout).toBe("one/two words\n");
  });

  test("a variable that is not let in keeps the command from starting", async () => {
    const server = await startServer({ acceptEnv: ["A"] });
    const session = await connectTo(server);
    const env = { A: "one", SECRET: "hunter2" };
    const error = await errorOf(session.exec("echo started", { env }));
    expect(error.code).toBe("env_refused");
    expect(error.message).toContain('add "AcceptEnv SECRET" to its sshd_config');
    expect(error.message).not.toContain("hunter2");
    expect(server.commands).toEqual([]);
    // The connection is still good.
    expect((await session.exec("echo next")).stdout).toBe("next\n");
  });

  test("an optional variable that is not let in is reported, and the command runs", async () => {
    const session = await connectTo(await startServer());
    const refused: string[] = [];
    const result = await session.exec("echo ran", {
      optionalEnv: { LAST: "x" },
      onEnvRefused: (name) => refused.push(name),
    });
    expect(result.stdout).toBe("ran\n");
    expect(refused).toEqual(["LAST"]);
  });

  test("a connection that breaks in the middle is an error that names host and command", async () => {
    const server = await startServer();
    const session = await connectTo(server);
    const onStdout = (): void => server.dropConnections();
    const error = await errorOf(session.exec("echo begun; sleep 60", { onStdout }));
    expect(error.code).toBe("connection_lost");
    expect(error.message).toContain(`127.0.0.1:${server.port}`);
    expect(error.message).toContain("echo begun; sleep 60");
    expect((await errorOf(session.exec("echo again"))).code).toBe("connection_lost");
  });

  test("an abort rejects with its reason and lets go of the command", async () => {
    const controller = new AbortController();
    const server = await startServer();
    const session = await connectTo(server, {}, { signal: controller.signal });
    const onStdout = (): void => controller.abort(new Error("cancelled by the user"));
    const error = await errorOf(session.exec("echo begun; sleep 60", { onStdout }));
    expect(error.code).toBe("aborted");
    expect(error.message).toContain("cancelled by the user");
    await server.idle();
  });

  test("a command that takes too long is ended; the error says for how long it was waited", async () => {
    const session = await connectTo(await startServer());
    const error = await errorOf(session.exec("sleep 60", { timeoutMs: 50, stdin: "hunter2" }));
    expect(error.code).toBe("exec_timeout");
    expect(error.message).toContain("did not end within 0.05 s: sleep 60");
    expect(error.message).not.toContain("hunter2");
  });
});

test("a server that does not answer the request for a channel is given up in time", async () => {
  const server = await startServer();
  const session = await connectTo(server);
  server.freeze();
  const error = await errorOf(session.exec("true", { timeoutMs: 50 }));
  expect(error.code).toBe("exec_timeout");
});

describe("host key", () => {
  test("a wrong key is final, and the error names both and the remedy", async () => {
    const server = await startServer();
    const pinned = generateKey().publicKey;
    const error = await errorOf(connectTo(server, { hostKey: pinned }, { retries: 5 }));
    expect(error).toMatchObject({ code: "host_key_mismatch", canRetry: false });
    const shown = parseHostKey(server.hostKeys[0]?.publicKey ?? "");
    expect(error.message).toContain(`127.0.0.1:${server.port} has another host key`);
    expect(error.message).toContain(fingerprint(shown.blob));
    expect(error.message).toContain(fingerprint(parseHostKey(pinned).blob));
    expect(error.message).toContain("pin its new key");
    expect(server.connections()).toBe(1);
  });

  test("a host with several keys is asked for the pinned type", async () => {
    const hostKeys = [generateKey("ecdsa"), generateKey("rsa"), generateKey("ed25519")];
    const server = await startServer({ hostKeys });
    for (const { publicKey } of hostKeys) {
      const session = await connectTo(server, { hostKey: publicKey });
      expect((await session.exec("echo in")).stdout).toBe("in\n");
    }
  });

  test("a host without a key of the pinned type is final as well", async () => {
    const server = await startServer();
    const pinned = generateKey("ecdsa").publicKey;
    const error = await errorOf(connectTo(server, { hostKey: pinned }, { retries: 5 }));
    expect(error.code).toBe("host_key_mismatch");
    expect(error.message).toContain(fingerprint(parseHostKey(pinned).blob));
    expect(server.connections()).toBe(1);
  });

  test("without a pinned key any host is believed", async () => {
    const session = await connectTo(await startServer(), { hostKey: undefined });
    expect((await session.exec("echo in")).stdout).toBe("in\n");
  });

  test("a pinned key that cannot be read is found before anything is dialled", async () => {
    const server = await startServer();
    expect((await errorOf(connectTo(server, { hostKey: "nonsense" }))).code).toBe(
      "host_key_invalid",
    );
    expect(server.connections()).toBe(0);
  });
});

describe("login", () => {
  test("a refused key is final; the error names user, key and remedy", async () => {
    const server = await startServer({ authorizedKeys: [] });
    const error = await errorOf(connectTo(server, {}, { retries: 5 }));
    expect(error).toMatchObject({ code: "auth_refused", canRetry: false });
    expect(error.message).toContain(`127.0.0.1:${server.port} refuses pi`);
    expect(error.message).toContain(fingerprint(parseHostKey(userKey.publicKey).blob));
    expect(error.message).toContain("authorized_keys");
    expect(error.message).not.toContain("PRIVATE KEY");
    expect(server.connections()).toBe(1);
  });

  test("by password", async () => {
    const server = await startServer({ authorizedKeys: [], password: "raspberry" });
    const session = await connectTo(server, { privateKey: undefined, password: "raspberry" });
    expect((await session.exec("echo in")).stdout).toBe("in\n");
    const wrong = { privateKey: undefined, password: "hunter2" };
    const error = await errorOf(connectTo(server, wrong));
    expect(error.code).toBe("auth_refused");
    expect(error.message).not.toContain("hunter2");
  });

  test("the password comes after a key that is refused", async () => {
    const server = await startServer({ authorizedKeys: [], password: "raspberry" });
    const session = await connectTo(server, { password: "raspberry" });
    expect((await session.exec("echo in")).stdout).toBe("in\n");
  });

  test("a key that cannot be read is found before anything is dialled, and not shown", async () => {
    const server = await startServer();
    const error = await errorOf(connectTo(server, { privateKey: "hunter2" }));
    expect(error.code).toBe("credentials_invalid");
    expect(error.message).not.toContain("hunter2");
    expect(server.connections()).toBe(0);
  });

  test("with nothing to log in with, the error says what to give", async () => {
    const before = process.env["SSH_AUTH_SOCK"];
    delete process.env["SSH_AUTH_SOCK"];
    cleanups.push(() => {
      if (before !== undefined) process.env["SSH_AUTH_SOCK"] = before;
    });
    const error = await errorOf(connectTo(await startServer(), { privateKey: undefined }));
    expect(error.code).toBe("credentials_invalid");
    expect(error.message).toContain("SSH_AUTH_SOCK");
  });
});

describe("dialling", () => {
  async function listen(onSocket: (socket: net.Socket) => void): Promise<number> {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    });
    return (server.address() as net.AddressInfo).port;
  }

  const unpinned = (port: number): SshTarget => ({
    host: "127.0.0.1",
    port,
    privateKey: userKey.privateKey,
  });

  test("is repeated until the host answers", async () => {
    const { port } = await startServer().then(async (server) => {
      await server.close();
      return server;
    });
    const messages: string[] = [];
    const log = {
      status(message: string): void {
        messages.push(message);
        if (messages.length === 2) void startServer({ port });
      },
    };
    const session = await connect(unpinned(port), { log });
    cleanups.push(() => session.close());
    expect((await session.exec("echo in")).stdout).toBe("in\n");
    expect(messages[0]).toMatch(/127\.0\.0\.1:\d+ cannot be reached.*try 1 of 11/);
  });

  test("ends after the limit; the error counts the tries and names what to look at", async () => {
    let connections = 0;
    const port = await listen((socket) => {
      connections++;
      socket.destroy();
    });
    const error = await errorOf(connect(unpinned(port), { retries: 2 }));
    expect(error.code).toBe("unreachable");
    expect(error.message).toContain("3 tries");
    expect(error.message).toContain("does sshd run there?");
    expect(connections).toBe(3);
  });

  test("a host that accepts and stays silent is given up after the time for one try", async () => {
    const port = await listen(() => undefined);
    const options = { retries: 1, dialTimeoutMs: 50 };
    const error = await errorOf(connect(unpinned(port), options));
    expect(error.code).toBe("dial_timeout");
    expect(error.message).toContain("did not let us in within 0.05 s");
  });

  test("an abort ends it, between two tries and in the middle of one", async () => {
    for (const onSocket of [(socket: net.Socket) => void socket.destroy(), () => undefined]) {
      const controller = new AbortController();
      const port = await listen((socket) => {
        onSocket(socket);
        controller.abort(new Error("cancelled by the user"));
      });
      const error = await errorOf(
        connect(unpinned(port), { retries: -1, signal: controller.signal }),
      );
      expect(error.code).toBe("aborted");
      expect(error.message).toContain("cancelled by the user");
    }
  });
});

describe("files", () => {
  async function startWithFiles(): Promise<{ session: SshSession; root: string }> {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-sftp-"));
    cleanups.push(() => fs.rmSync(root, { recursive: true }));
    return { session: await connectTo(await startServer({ sftpRoot: root })), root };
  }

  test("a stream of several windows arrives whole, with progress", async () => {
    const { session, root } = await startWithFiles();
    const content = Buffer.alloc(5_000_001, "0123456789abc");
    const progress: number[] = [];
    const pieces = [content.subarray(0, 1_000_000), content.subarray(1_000_000)];
    await session.writeFile("/archive", Readable.from(pieces), {
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(fs.readFileSync(path.join(root, "archive")).equals(content)).toBe(true);
    expect(progress.at(-1)).toBe(content.length);
  });

  test("overwrites, truncates, sets the mode", async () => {
    const { session, root } = await startWithFiles();
    await session.writeFile("/f", "a longer text");
    await session.writeFile("/f", "short", { mode: 0o600 });
    expect(fs.readFileSync(path.join(root, "f"), "utf8")).toBe("short");
    expect(fs.statSync(path.join(root, "f")).mode & 0o777).toBe(0o600);
  });

  test("an empty file", async () => {
    const { session, root } = await startWithFiles();
    await session.writeFile("/empty", "");
    expect(fs.readFileSync(path.join(root, "empty"), "utf8")).toBe("");
  });

  test("makes folders as needed, and tells what is where", async () => {
    const { session } = await startWithFiles();
    const files = await session.sftp();
    expect(await files.kindOf("/a/b")).toBe("absent");
    await files.mkdirAll("/a/b");
    await files.mkdirAll("/a/b");
    expect(await files.kindOf("/a/b")).toBe("directory");
    await files.write("/a/b/f", "x");
    expect(await files.kindOf("/a/b/f")).toBe("file");
    const error = await errorOf(files.mkdirAll("/a/b/f/g"));
    expect(error.message).toContain("/a/b/f exists and is not a folder");
  });

  test("a failure names host and file", async () => {
    const { session } = await startWithFiles();
    const error = await errorOf(session.writeFile("/no/such/folder", "x"));
    expect(error.code).toBe("sftp_failed");
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+: opening \/no\/such\/folder: /);
  });

  test("a source that fails ends the upload with its error", async () => {
    const { session } = await startWithFiles();
    const source = Readable.from(
      (async function* () {
        yield await Promise.resolve(Buffer.from("x"));
        throw new Error("disk of this machine broke");
      })(),
    );
    await expect(session.writeFile("/f", source)).rejects.toThrow("disk of this machine broke");
  });

  test("a connection that breaks in the middle rejects", async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-sftp-"));
    cleanups.push(() => fs.rmSync(root, { recursive: true }));
    const server = await startServer({ sftpRoot: root });
    const session = await connectTo(server);
    const endless = Readable.from(
      (async function* () {
        for (;;) yield await Promise.resolve(Buffer.alloc(100_000));
      })(),
    );
    const onProgress = (bytes: number): void => {
      if (bytes > 1_000_000) server.dropConnections();
    };
    expect((await errorOf(session.writeFile("/f", endless, { onProgress }))).code).toBe(
      "sftp_failed",
    );
  });
});
