import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { AuthContext, Connection, ServerChannel, Session } from "ssh2";
import ssh2 from "ssh2";
import { serveSftp } from "./sftp";

export interface KeyPair {
  /** OpenSSH text. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string;
}

export function generateKey(type: "ed25519" | "rsa" | "ecdsa" = "ed25519"): KeyPair {
  const bits = { ed25519: 0, rsa: 2048, ecdsa: 256 }[type];
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync(type as "rsa", { bits, comment: "test" });
    // ssh2 1.17 makes an ed25519 key that it cannot read itself about once in 160 times.
    if (ssh2.utils.parseKey(pair.private) instanceof Error) continue;
    return { privateKey: pair.private, publicKey: pair.public };
  }
}

export interface ServerOptions {
  /** Default: one fresh ed25519 key. */
  readonly hostKeys?: readonly KeyPair[];
  /** Public keys that may log in. */
  readonly authorizedKeys?: readonly string[];
  readonly password?: string;
  /** Names of environment variables that are let in. */
  readonly acceptEnv?: readonly string[];
  /** Answer each command with this output and status 5 in one go, as a fast host does. */
  readonly instantOutput?: string;
  /** Folder that SFTP paths are below. Default: no SFTP. */
  readonly sftpRoot?: string;
  /** Whether clients may have it listen on its loopback. Default: no. */
  readonly forwards?: boolean;
  /** Sees each new connection first; true: the connection is the hook's own affair. */
  readonly onConnection?: (connection: Connection, socket: Socket) => void;
  /** Default: the first free port. */
  readonly port?: number;
}

export interface TestServer {
  readonly port: number;
  readonly hostKeys: readonly KeyPair[];
  /** Commands that were started, in order. */
  readonly commands: string[];
  /** Connections so far. */
  readonly connections: () => number;
  /** Resolves when no command is running. A command whose channel is dropped is killed. */
  idle(): Promise<void>;
  /** From now on nothing that arrives is read. */
  freeze(): void;
  /** Breaks every connection, without a goodbye. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** An SSH server on loopback whose commands run in a shell of this machine. */
export async function startSshServer(options: ServerOptions = {}): Promise<TestServer> {
  const hostKeys = options.hostKeys ?? [generateKey()];
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const running = new Set<Promise<unknown>>();
  let connections = 0;
  const server = new ssh2.Server(
    { hostKeys: hostKeys.map(({ privateKey }) => privateKey) },
    (connection) => {
      connections++;
      const socket = (connection as unknown as { _sock: Socket })._sock;
      sockets.add(socket);
      options.onConnection?.(connection, socket);
      connection.on("error", () => undefined);
      connection.on("close", () => sockets.delete(socket));
      connection.on("authentication", (auth) =>
        mayLogIn(auth, options) ? auth.accept() : auth.reject(["publickey", "password"]),
      );
      if (options.forwards === true) serveForwarding(connection);
      connection.on("session", (accept) =>
        serveSession(accept(), options, commands, running, socket),
      );
    },
  );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const dropConnections = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    hostKeys,
    commands,
    connections: () => connections,
    idle: async () => void (await Promise.all(running)),
    freeze: () => sockets.forEach((socket) => socket.removeAllListeners("data").pause()),
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

/** `tcpip-forward` on loopback, as sshd has it with `AllowTcpForwarding remote`. */
function serveForwarding(connection: Connection): void {
  connection.on("request", (accept, reject, name, info) => {
    if (name !== "tcpip-forward") return reject?.();
    const { bindAddr, bindPort } = info;
    const listener = createServer({ allowHalfOpen: true }, (socket) => {
      const { remoteAddress = "", remotePort = 0 } = socket;
      socket.on("error", () => undefined);
      connection.forwardOut(bindAddr, port(), remoteAddress, remotePort, (error, channel) => {
        if (error !== undefined) return void socket.destroy();
        channel.on("error", () => socket.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
    const port = (): number => (listener.address() as AddressInfo).port;
    connection.on("close", () => listener.close());
    listener.listen(bindPort, bindAddr, () => accept?.(port()));
  });
}

function mayLogIn(auth: AuthContext, options: ServerOptions): boolean {
  if (auth.method === "password") {
    return options.password !== undefined && auth.password === options.password;
  }
  if (auth.method !== "publickey") return false;
  return (options.authorizedKeys ?? []).some((text) => {
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error || !key.getPublicSSH().equals(auth.key.data)) return false;
    if (auth.signature === undefined || auth.blob === undefined) return true;
    return key.verify(auth.blob, auth.signature, auth.hashAlgo) === true;
  });
}

function serveSession(
  session: Session,
  options: ServerOptions,
  commands: string[],
  running: Set<Promise<unknown>>,
  socket: Socket,
): void {
  const env: Record<string, string> = {};
  session.on("env", (accept, reject, { key, val }) => {
    if (!(options.acceptEnv ?? []).includes(key)) {
      reject?.();
      return;
    }
    env[key] = val;
    (accept as (() => void) | undefined)?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    commands.push(command);
    if (options.instantOutput !== undefined) {
      // All of it has to reach the client in one piece.
      socket.cork();
      const channel = accept();
      channel.write(options.instantOutput);
      channel.exit(5);
      channel.end();
      setTimeout(() => socket.uncork(), 20);
      return;
    }
    running.add(run(accept(), command, env));
  });
  const { sftpRoot } = options;
  if (sftpRoot !== undefined) session.on("sftp", (accept) => serveSftp(accept(), sftpRoot));
}

function run(
  channel: ServerChannel,
  command: string,
  env: Record<string, string>,
): Promise<unknown> {
  const child = spawn("/bin/sh", ["-c", command], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    detached: true,
  });
  // Signals are not served: the library's server side drops those that come after the end of
  // standard input, which a real sshd obeys.
  channel.on("close", () => {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (!ended && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  channel.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code, signal) => {
    if (signal === null) channel.exit(code ?? 0);
    else channel.exit(signal.slice(3), false, "");
    channel.end();
  });
  return once(child, "close");
}
