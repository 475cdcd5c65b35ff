import type { Host, Lab } from "../../model";
import type { HostService, ServiceSecrets } from "./service";

export type { HostService, ServiceSecrets } from "./service";

/** What a host runs besides Kafka, in the order in which it is started. */
export function hostServices(_lab: Lab, _host: Host, _secrets: ServiceSecrets): HostService[] {
  return [];
}
