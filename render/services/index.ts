import type { Host, Lab } from "../../model";
import { bridgeService } from "./bridge";
import { mosquittoService } from "./mosquitto";
import { ringService } from "./ring";
import { blankSecrets, type HostService, type ServiceSecrets } from "./service";
import { telemetryService } from "./telemetry";

export { programPaths } from "./program-paths";
export { programService, type ProgramServiceArgs } from "./program-service";
export {
  blankSecrets,
  secretNames,
  type HostService,
  type SecretNames,
  type ServiceSecrets,
} from "./service";

type RenderService = (lab: Lab, host: Host, secrets: ServiceSecrets) => HostService | undefined;

/** One line for each service there is, in the order in which they are started. */
const renderers: readonly RenderService[] = [
  mosquittoService,
  telemetryService,
  bridgeService,
  ringService,
];

/** What a host runs besides Kafka, in the order in which it is started. */
export function hostServices(lab: Lab, host: Host, secrets: ServiceSecrets): HostService[] {
  return renderers.flatMap((render) => render(lab, host, secrets) ?? []);
}

/** The Debian packages that a host's services need; no secret is needed to know them. */
export function servicePackages(lab: Lab, host: Host): string[] {
  const services = hostServices(lab, host, blankSecrets(lab));
  return [...new Set(services.flatMap(({ packages }) => packages))];
}
