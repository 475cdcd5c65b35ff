import * as http from "node:http";

import { ToolchainError } from "./errors";

/** Where a Docker daemon listens, as in DOCKER_HOST: `unix:///var/run/docker.sock`, `tcp://…`, `ssh://…`. */
export type DockerHost = string;

export type Reachability =
  | { readonly kind: "up" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "denied"; readonly detail: string };

/** The path of a `unix://` host's socket, or undefined for another kind of host. */
export function socketPath(host: DockerHost): string | undefined {
  return host.startsWith("unix://") ? host.slice("unix://".length) : undefined;
}

/**
 * Asks the daemon behind a Unix socket whether it is there. It needs no client, and costs milliseconds.
 *
 * @param timeoutMs how long the daemon may take to answer
 */
export function pingSocket(socket: string, timeoutMs = 3_000): Promise<Reachability> {
  return new Promise((resolve) => {
    const request = http.get(
      { socketPath: socket, path: "/_ping", timeout: timeoutMs },
      (answer) => {
        answer.resume();
        resolve(
          answer.statusCode === 200
            ? { kind: "up" }
            : { kind: "refused", detail: `it answered with status ${answer.statusCode}` },
        );
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve({
        kind: error.code === "EACCES" || error.code === "EPERM" ? "denied" : "refused",
        detail: error.message,
      }),
    );
  });
}

/** What decides whether virtual Pis can run on a daemon. */
export interface DaemonInfo {
  readonly rootless: boolean;
  /** As the daemon names it: "Debian GNU/Linux 12 (bookworm)", "Docker Desktop". */
  readonly operatingSystem: string;
}

/**
 * Asks the daemon behind a Unix socket what it is.
 *
 * @param timeoutMs how long the daemon may take to answer
 * @throws ToolchainError saying what was asked of which socket
 */
export function daemonInfo(socket: string, timeoutMs = 20_000): Promise<DaemonInfo> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(
        new ToolchainError(
          `Docker at unix://${socket} does not tell what it is (GET /info): ${why}`,
          "See whether `docker info` works, and restart that daemon if it does not.",
        ),
      );
    const request = http.get(
      { socketPath: socket, path: "/info", timeout: timeoutMs },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("error", (error) => fail(error.message));
        answer.on("end", () => {
          try {
            const info = JSON.parse(text) as {
              SecurityOptions?: readonly string[] | null;
              OperatingSystem?: string;
            };
            resolve({
              rootless: (info.SecurityOptions ?? []).some((option) =>
                option.includes("name=rootless"),
              ),
              operatingSystem: info.OperatingSystem ?? "",
            });
          } catch {
            fail(`status ${answer.statusCode}: ${text.slice(0, 200)}`);
          }
        });
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on("error", (error) => fail(error.message));
  });
}
