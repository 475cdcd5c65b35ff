import * as http from "node:http";

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
