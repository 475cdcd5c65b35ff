import type { Host, Lab } from "../../model";
import { hostPrograms } from "../../model/data/programs";
import { kafkaAccess } from "./kafka-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The upload to Databricks, on the host that is to run it. */
export function databricksService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { databricks } = lab.data;
  if (databricks === undefined || !hostPrograms(lab, host).includes("databricks")) return undefined;
  const { clientId, workspace, volume, topics, everySeconds, batchKib } = databricks;
  const secret = secrets.databricks;
  if (secret === undefined)
    throw new Error("bug: no secret for Databricks: that is checked before");
  return programService({
    lab,
    host,
    program: "databricks",
    description: "Upload of topics to Databricks",
    config: {
      kafka: kafkaAccess(lab, "databricks", secrets),
      ...{ workspace, volume, secret, topics, everySeconds, batchKib },
      ...(clientId !== undefined && { clientId }),
    },
  });
}
