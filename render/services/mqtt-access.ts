import type { Lab, MqttAccess } from "../../model";
import type { ServiceSecrets } from "./service";

/** How one of the lab's MQTT users reaches the broker. The lab must have one. */
export function mqttAccess(lab: Lab, username: string, { mqtt }: ServiceSecrets): MqttAccess {
  const broker = lab.data.mqtt;
  const host = lab.hosts.find(({ name }) => name === broker?.host);
  const password = mqtt[username];
  if (broker === undefined || host === undefined)
    throw new Error("bug: the lab has no MQTT broker");
  if (password === undefined) throw new Error(`bug: no password was made for ${username}`);
  return { address: host.machine.address, port: broker.port, username, password };
}
