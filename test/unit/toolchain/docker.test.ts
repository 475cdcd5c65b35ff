import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";

import { ensureDocker } from "../../../toolchain/docker";
import { pingSocket, socketPath } from "../../../toolchain/docker-api";
import { daemonEnvironment } from "../../../toolchain/docker-daemon";
import { hashRecipe } from "../../../toolchain/pi-image";
import { cleanUp, setEnvironment, temporaryFolder, writeScript } from "./support";

const silent = () => undefined;
const servers: http.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await cleanUp();
});

/** Something that answers on a socket as a daemon does. */
async function fakeDaemon(handler: http.RequestListener): Promise<string> {
  const socket = path.join(temporaryFolder(), "docker.sock");
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  servers.push(server);
  return socket;
}

describe("pingSocket", () => {
  it("finds a daemon that answers", async () => {
    const socket = await fakeDaemon((request, response) =>
      response.writeHead(request.url === "/_ping" ? 200 : 404).end("OK"),
    );
    expect(await pingSocket(socket)).toEqual({ kind: "up" });
  });

  it("says why there is none", async () => {
    const nothing = path.join(temporaryFolder(), "docker.sock");
    const answer = await pingSocket(nothing);
    expect(answer).toEqual({
      kind: "refused",
      detail: expect.stringContaining("ENOENT") as string,
    });
  });

  it("does not take a failing or a silent one for running", async () => {
    const failing = await fakeDaemon((_, response) => response.writeHead(500).end());
    expect(await pingSocket(failing)).toEqual({
      kind: "refused",
      detail: "it answered with status 500",
    });
    const silentOne = await fakeDaemon(() => undefined);
    expect(await pingSocket(silentOne, 50)).toEqual({
      kind: "refused",
      detail: "no answer within 50 ms",
    });
  });
});

describe("socketPath", () => {
  it("is known for Unix sockets only", () => {
    expect(socketPath("unix:///run/user/1000/docker.sock")).toBe("/run/user/1000/docker.sock");
    expect(socketPath("tcp://127.0.0.1:2375")).toBeUndefined();
    expect(socketPath("ssh://pi@host")).toBeUndefined();
  });
});

/** A daemon that says this of itself. */
const daemon =
  (info: object): http.RequestListener =>
  (request, response) =>
    response.end(request.url === "/info" ? JSON.stringify(info) : "OK");

describe("daemonEnvironment", () => {
  it("has what a daemon needs and nothing that tells whose it is", () => {
    const kept = { PATH: "/bin", HOME: "/root", https_proxy: "http://p:1", NO_PROXY: "10.0.0.0/8" };
    const marks = { PI_LAB_TEST_RUN: "1", PI_LAB_RUN: "2", PI_LAB_CACHE: "/c", NODE_OPTIONS: "x" };
    expect(daemonEnvironment({ ...kept, ...marks })).toEqual(kept);
  });
});

describe("ensureDocker", () => {
  let cache: string;
  beforeEach(() => {
    cache = temporaryFolder();
    const tools = temporaryFolder();
    // A client without contexts.
    writeScript(path.join(tools, "docker"), "exit 1");
    setEnvironment({ PI_LAB_CACHE: cache, PATH: `${tools}:${process.env["PATH"]}` });
  });

  it("uses a user's daemon as it is, and never stops it", async () => {
    const host = `unix://${await fakeDaemon(daemon({}))}`;
    setEnvironment({ DOCKER_HOST: host });
    const docker = await ensureDocker(silent);
    expect(docker).toMatchObject({ host, startedByUs: false, startedNow: false });
    // A record of another daemon, even of a living process, does not make it ours.
    fs.mkdirSync(path.join(cache, "docker"));
    fs.writeFileSync(
      path.join(cache, "docker", "dockerd.pid"),
      JSON.stringify({ pid: process.pid, started: "1" }),
    );
    expect(await docker.stop()).toBe(false);
    expect(await pingSocket(socketPath(host)!)).toEqual({ kind: "up" });
  });

  it("finds the daemon of the client's context", async () => {
    const host = `unix://${await fakeDaemon(daemon({}))}`;
    const tools = temporaryFolder();
    writeScript(path.join(tools, "docker"), `[ "$1" = context ] && echo ${host}`);
    setEnvironment({ DOCKER_HOST: undefined, PATH: `${tools}:${process.env["PATH"]}` });
    expect(await ensureDocker(silent)).toMatchObject({ host, startedByUs: false });
  });

  it.each([
    ["a rootless daemon", { SecurityOptions: ["name=seccomp,profile=default", "name=rootless"] }],
    ["Docker Desktop", { OperatingSystem: "Docker Desktop", SecurityOptions: null }],
  ])("refuses %s, whose containers cannot be reached", async (kind, info) => {
    const host = `unix://${await fakeDaemon(daemon(info))}`;
    setEnvironment({ DOCKER_HOST: host });
    await expect(ensureDocker(silent)).rejects.toThrow(
      new RegExp(`Docker at ${host} is ${kind}[^]*Use the system's Docker Engine`),
    );
  });

  it.each(["tcp://127.0.0.1:1", "ssh://pi@desk"])(
    "refuses a daemon elsewhere: %s",
    async (host) => {
      setEnvironment({ DOCKER_HOST: host });
      await expect(ensureDocker(silent)).rejects.toThrow(
        new RegExp(`${host} cannot run virtual Pis[^]*unset DOCKER_HOST`, "i"),
      );
    },
  );

  it("starts none in the place of one that the user named", async () => {
    setEnvironment({ DOCKER_HOST: "unix:///nowhere/docker.sock" });
    await expect(ensureDocker(silent)).rejects.toThrow(
      /Docker at unix:\/\/\/nowhere\/docker\.sock does not answer:.*ENOENT[^]*unset DOCKER_HOST/,
    );
    expect(fs.existsSync(path.join(cache, "docker"))).toBe(false);
  });

  it("says on other systems what to do", async () => {
    const platform = Object.getOwnPropertyDescriptor(process, "platform")!;
    Object.defineProperty(process, "platform", { ...platform, value: "darwin" });
    try {
      await expect(ensureDocker(silent)).rejects.toThrow(
        /need Linux; this machine runs darwin[^]*virtual machine[^]*real Pis works here/,
      );
    } finally {
      Object.defineProperty(process, "platform", platform);
    }
  });
});

describe("hashRecipe", () => {
  it("changes with a file's name, content and executability, and with the rest", () => {
    const folder = temporaryFolder();
    const file = path.join(folder, "etc", "setup.sh");
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, "one", { mode: 0o644 });
    const seen = [hashRecipe(folder, ["bookworm"])];
    expect(hashRecipe(folder, ["bookworm"])).toBe(seen[0]);
    seen.push(hashRecipe(folder, ["trixie"]));
    seen.push(hashRecipe(folder, ["book", "worm"]));
    fs.writeFileSync(file, "two");
    seen.push(hashRecipe(folder, ["bookworm"]));
    fs.chmodSync(file, 0o755);
    seen.push(hashRecipe(folder, ["bookworm"]));
    fs.renameSync(file, path.join(folder, "etc", "other.sh"));
    seen.push(hashRecipe(folder, ["bookworm"]));
    expect(new Set(seen).size).toBe(seen.length);
  });
});
