import { DASHBOARDS_ROLE, type Host, type Lab } from "../../model";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";
import { storeAccess } from "./sink";

/** How often Metabase is looked at, once it shows what is wanted. */
const EVERY_SECONDS = 60;

/** The program that keeps Metabase as the lab wants it, on Metabase's host. */
export function dashboardsService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { dashboards } = lab.data;
  if (dashboards?.host !== host.name) return undefined;
  const password = secrets.dashboards?.password;
  if (password === undefined) throw new Error("bug: no password was made for Metabase");
  const { email, port } = dashboards;
  return programService({
    lab,
    host,
    program: "dashboards",
    description: "What Metabase shows of the lab",
    config: {
      lab: lab.name,
      metabase: { address: host.machine.address, port, email, password },
      store: storeAccess(lab, DASHBOARDS_ROLE, secrets),
      everySeconds: EVERY_SECONDS,
    },
  });
}
