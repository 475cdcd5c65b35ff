import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { listen, type Listening } from "./listen";

/** `GET /healthz`: 200 or 503 with a line of JSON. `GET /metrics`: Prometheus' text format. */
export async function openEndpoint(
  at: { readonly address: string; readonly port: number },
  program: { health(): string | undefined },
  metrics: Registry,
): Promise<Listening> {
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
  return listen(server, at);
}
