import { ConfigError, parseLab, type ConfigProblem } from "../../model";

/** The configuration as the engine hands it over: plain data, nothing known of it. */
export type RawConfig = Record<string, unknown>;

/** An Ed25519 host key of the right form; nobody holds its other half. */
export function hostKey(n: number): string {
  const start = Buffer.from("0000000b7373682d6564323535313900000020", "hex");
  return `ssh-ed25519 ${Buffer.concat([start, Buffer.alloc(32, n)]).toString("base64")}`;
}

/** Three brokers, two clients, a desk and a spare on real Pis; a new copy each time. */
export function physicalConfig(): RawConfig {
  return {
    name: "gcn",
    timezone: "Europe/Berlin",
    clock: { server: "broker-1", upstream: ["2.debian.pool.ntp.org"] },
    switch: { model: "SW-008", subnet: "10.0.42.0/24" },
    ssh: { user: "pi", port: 22 },
    machines: Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7].map((n) => [
        `pi-${n}`,
        { board: "pi-4b-8gb", address: `10.0.42.${n}`, hostKey: hostKey(n) },
      ]),
    ),
    hosts: {
      "broker-1": { role: "broker", machine: "pi-1", port: 1, nodeId: 1 },
      "broker-2": { role: "broker", machine: "pi-2", port: 2, nodeId: 2, heapMib: 2048 },
      "broker-3": { role: "broker", machine: "pi-3", port: 3, nodeId: 3 },
      "client-1": { role: "client", machine: "pi-4", port: 4, topic: "red" },
      "client-2": { role: "client", machine: "pi-5", port: 5, topic: "green" },
      "desk-1": { role: "host", machine: "pi-6", port: 6 },
    },
    cluster: { settings: { "log.retention.hours": 168 } },
    topics: {
      red: { partitions: 2, config: { "retention.ms": "86400000" } },
      green: {},
    },
  };
}

/** The same on containers. */
export function virtualConfig(): RawConfig {
  const config = physicalConfig();
  change(config, ["virtual"], {});
  change(config, ["ssh", "privateKeyPath"], "id_ed25519");
  for (let n = 1; n <= 7; n++) change(config, ["machines", `pi-${n}`, "hostKey"], undefined);
  return config;
}

/** Sets the value at a path; undefined removes the key. Missing objects on the way are made. */
export function change(config: RawConfig, path: readonly string[], value: unknown): RawConfig {
  const [key = "", ...rest] = path;
  if (rest.length > 0) {
    const below = config[key];
    config[key] = change({ ...(typeof below === "object" ? below : {}) }, rest, value);
  } else if (value === undefined) {
    delete config[key];
  } else {
    config[key] = value;
  }
  return config;
}

/** What `parseLab` finds wrong; empty for a lab that it takes. */
export function problemsOf(raw: unknown): readonly ConfigProblem[] {
  try {
    parseLab(raw);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
