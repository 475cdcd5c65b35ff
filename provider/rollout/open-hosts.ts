import type { OpenShell } from "../ssh/port";
import { messageOf, NodeHost } from "./hosts";
import type { RolloutNode } from "./node";

/** How patiently hosts are dialled; `dialTimeoutMs` is for one try. */
export interface Dial {
  readonly retries: number;
  readonly dialTimeoutMs: number;
}

export interface OpenHosts {
  readonly hosts: Map<string, NodeHost>;
  /** Those that cannot be reached, each with its error. */
  readonly unreachable: Map<string, string>;
}

/** Logs in to all hosts at once. */
export async function openHosts(
  nodes: readonly RolloutNode[],
  service: string,
  openShell: OpenShell,
  options: Dial & { readonly signal: AbortSignal; readonly status: (line: string) => void },
): Promise<OpenHosts> {
  const hosts = new Map<string, NodeHost>();
  const unreachable = new Map<string, string>();
  await Promise.all(
    nodes.map(async (node) => {
      try {
        hosts.set(node.host, await NodeHost.open(node, service, openShell, options));
      } catch (error) {
        unreachable.set(node.host, messageOf(error));
      }
    }),
  );
  if (options.signal.aborted) hosts.forEach((host) => host.close());
  options.signal.throwIfAborted();
  return { hosts, unreachable };
}
