import { LOAD_USER, type Lab } from "../../../model";
import type { Engine } from "../engine";
import { UserError } from "../errors";
import { npmRun } from "../cli";
import type { LabFolder } from "../lab-folder";
import { readOutputs } from "../lab-login";
import { assertInLab, type Room } from "./limits";
import type { LoadTarget } from "./mqtt-device";

/** The MQTT broker of the lab, whose host must be on the lab's own network. */
export function mqttBroker(lab: Lab): { readonly address: string; readonly port: number } {
  const { mqtt } = lab.data;
  const host = lab.hosts.find(({ name }) => name === mqtt?.host);
  if (mqtt === undefined || host === undefined) {
    throw new UserError(
      "mqtt: the lab has no MQTT broker that devices could publish to. Add `mqtt` (docs/configuration.md, MQTT).",
    );
  }
  assertInLab(lab, host.machine.address);
  return { address: host.machine.address, port: mqtt.port };
}

/**
 * Where a lab's load goes. The password is in the stack's state, which the engine deciphers.
 * @param engine default: it is made ready first
 */
export async function loadTarget(
  folder: LabFolder,
  lab: Lab,
  engine?: Engine,
): Promise<LoadTarget> {
  const broker = mqttBroker(lab);
  const { mqttPasswords } = (await readOutputs(folder, engine)) as {
    mqttPasswords?: Readonly<Record<string, string>>;
  };
  const password = mqttPasswords?.[LOAD_USER];
  if (password === undefined) {
    throw new UserError(
      `The stack ${folder.stack} has no password of the MQTT user ${LOAD_USER} yet: ${npmRun("pulumi", folder.stack, "up")} has to end once.`,
    );
  }
  return { ...broker, username: LOAD_USER, password };
}

/** What the broker has left beside the lab's own clients. */
export function roomFor({ data, hosts }: Lab, openFiles: number): Room {
  const { mqtt, telemetry, bridge } = data;
  const most = mqtt?.maxConnections ?? 0;
  // A bridge has a session for each route, and as many of each as there are bridges.
  const sessions = (bridge?.hosts.length ?? 0) * (bridge?.routes.length ?? 0);
  const own = (telemetry === undefined ? 0 : hosts.length) + (mqtt?.devices.length ?? 0) + sessions;
  return {
    connections: Math.max(0, most - own),
    because: `mqtt.maxConnections is ${most}, of which the lab's own clients need ${own}`,
    openFiles,
  };
}
