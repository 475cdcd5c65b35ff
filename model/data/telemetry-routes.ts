import { filterFault, filtersOverlap } from "./mqtt-filter";
import { telemetryTopic } from "./programs";

interface Routes {
  readonly routes?:
    | readonly { readonly from?: string | undefined; readonly topic?: string | undefined }[]
    | undefined;
}

/** The Kafka topics that the bridge carries the hosts' telemetry to, each once. */
export function telemetryRoutes(bridge: Routes | undefined): string[] {
  const routes = bridge?.routes ?? [];
  const carrying = routes.filter(
    ({ from }) =>
      from !== undefined &&
      filterFault(from) === undefined &&
      filtersOverlap(from, telemetryTopic("+")),
  );
  return [...new Set(carrying.flatMap(({ topic }) => topic ?? []))];
}
