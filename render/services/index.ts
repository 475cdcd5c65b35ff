import type { Host, Lab, ProgramName } from "../../model";
import { alertingService } from "./alerting";
import { bridgeService } from "./bridge";
import { dashboardsService } from "./dashboards";
import { databricksService } from "./databricks";
import { metabaseService } from "./metabase";
import { mosquittoService } from "./mosquitto";
import { postgresService } from "./postgres";
import { programsOf } from "./push";
import { ringService } from "./ring";
import { statusPageService } from "./status-page";
import { blankSecrets, type HostService, type ServiceSecrets } from "./service";
import { sinkService } from "./sink";
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
  postgresService,
  telemetryService,
  bridgeService,
  ringService,
  statusPageService,
  sinkService,
  metabaseService,
  dashboardsService,
  databricksService,
  alertingService,
];

/** What a host runs besides Kafka, in the order in which it is started. */
export function hostServices(lab: Lab, host: Host, secrets: ServiceSecrets): HostService[] {
  return renderers.flatMap((render) => render(lab, host, secrets) ?? []);
}

/** Whether a host runs anything besides Kafka; no secret is needed to know that, nor what follows. */
export function hasServices(lab: Lab, host: Host): boolean {
  return known(lab, host).length > 0;
}

/** The Debian packages that a host's services need. */
export function servicePackages(lab: Lab, host: Host): string[] {
  return [...new Set(known(lab, host).flatMap(({ packages }) => packages))];
}

/** The programs of ours that a host's services run. */
export function servicePrograms(lab: Lab, host: Host): ProgramName[] {
  return programsOf(known(lab, host));
}

const known = (lab: Lab, host: Host): HostService[] => hostServices(lab, host, blankSecrets(lab));
