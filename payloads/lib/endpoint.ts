import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface Endpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** `GET /healthz`: 200 or 503 with a line of JSON. `GET /metrics`: Prometheus' text format. */
export async function openEndpoint(
  { address, port }: { readonly address: string; readonly port: number },
  program: { health(): string | undefined },
  metrics: Registry,
): Promise<Endpoint> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { "content-type": type }).end(body);
    if (request.method !== "GET") return answer(405, "text/plain", "GET alone\n");
    switch (request.url ?? "") {
      case "/healthz": {
        const problem = program.health();
        const body = problem === undefined ? { status: "ok" } : { status: "failing", problem };
        return answer(
          problem === undefined ? 200 : 503,
          "application/json",
          `${JSON.stringify(body)}\n`,
        );
      }
      case "/metrics":
        void metrics.metrics().then(
          (text) => answer(200, metrics.contentType, text),
          (error: unknown) => answer(500, "text/plain", `${String(error)}\n`),
        );
        return undefined;
      default:
        return answer(404, "text/plain", "/healthz and /metrics are here\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
