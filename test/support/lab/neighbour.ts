import { randomBytes } from "node:crypto";
import { DEFAULT_IMAGE } from "../../../model";
import { dockerObjects, removeObjects, STACK_LABEL } from "../../../scripts/lib/leftovers";
import { freeSubnet, takenSubnets } from "../../../scripts/lib/subnets";
import { ensureDocker } from "../../../toolchain";
import { run } from "../../../toolchain/process";
import { writeWhole } from "../../../scripts/lib/files";
import { dockerHostFile, labPrefix, randomSubnet } from "../test-run";

const DOCKER_MS = 60_000;

/**
 * Parts of another lab on the same Docker: a container on a network with a volume, labelled as a
 * lab's are. Whatever is done to a lab under test must leave them as they are.
 */
export class Neighbour {
  private constructor(
    private readonly host: string,
    readonly name: string,
  ) {}

  static async start(): Promise<Neighbour> {
    const { host } = await ensureDocker(() => undefined);
    writeWhole(dockerHostFile(), host);
    const name = `${labPrefix()}near-${randomBytes(2).toString("hex")}`;
    const neighbour = new Neighbour(host, name);
    const label = `${STACK_LABEL}=${name}`;
    const subnet = freeSubnet(randomSubnet(), await takenSubnets(host));
    await neighbour.docker("network", "create", "--label", label, "--subnet", subnet, name);
    await neighbour.docker("volume", "create", "--label", label, `${name}-data`);
    const place = ["--network", name, "--volume", `${name}-data:/var/lib/kafka`];
    const named = ["--name", `${name}-pi-1`, "--label", label];
    await neighbour.docker(
      "run",
      "--detach",
      ...named,
      ...place,
      DEFAULT_IMAGE,
      "sleep",
      "infinity",
    );
    return neighbour;
  }

  /** All that would differ if somebody had stopped, restarted, replaced or unplugged a part of it. */
  async state(): Promise<unknown> {
    interface Container {
      Id: string;
      State: { Running: boolean; StartedAt: string };
      NetworkSettings: { Networks: Record<string, { NetworkID: string; IPAddress: string }> };
    }
    const [container] = JSON.parse(
      await this.docker("inspect", `${this.name}-pi-1`),
    ) as Container[];
    const parts = await dockerObjects(this.host, this.name);
    return {
      parts: parts.map(({ kind, id, createdAt }) => [kind, id, createdAt.toISOString()]),
      running: container?.State,
      plugged: Object.entries(container?.NetworkSettings.Networks ?? {}).map(
        ([name, { NetworkID, IPAddress }]) => [name, NetworkID, IPAddress],
      ),
    };
  }

  async stop(): Promise<void> {
    await removeObjects(this.host, await dockerObjects(this.host, this.name));
  }

  private async docker(...args: string[]): Promise<string> {
    return (await run("docker", ["-H", this.host, ...args], { timeoutMs: DOCKER_MS })).stdout;
  }
}
