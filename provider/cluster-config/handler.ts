import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { reveal } from "../../plugins/common/rpc";
import { isUnreachable } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { checkClusterConfig, CLUSTER_SETTINGS } from "./plan";

const ID = "cluster";
const MIN_ISR = CLUSTER_SETTINGS.minInsyncReplicas;

/**
 * `pilab:kafka/clusterConfig:ClusterConfig`. Diff is the server's comparison of inputs. There is no
 * delete: Kafka refuses to remove these settings, so the last value stays and is forgotten here.
 */
export class ClusterConfigHandler implements ResourceHandler {
  constructor(private readonly cluster: ClusterAccess) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkClusterConfig(news) };
  }

  async create({ news, preview }: CreateRequest): Promise<CreateResult> {
    if (!preview) await this.converge(news);
    return { id: preview ? "" : ID, outputs: news };
  }

  async update({ news, preview }: UpdateRequest): Promise<UpdateResult> {
    if (!preview) await this.converge(news);
    return { outputs: news };
  }

  async read({ outputs, inputs }: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    let value: string | undefined;
    try {
      value = await this.cluster.admin().clusterSetting(MIN_ISR);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      log.warn(`${MIN_ISR} of the cluster: kept as last known: ${error.message}`);
      return { id: ID, outputs, inputs };
    }
    if (value === undefined) return { id: "", outputs: {}, inputs: {} };
    const seen = { minInsyncReplicas: Number(value) };
    return { id: ID, outputs: seen, inputs: seen };
  }

  /** Writing the value that is there already would clear every partition's eligible leader replicas. */
  private async converge(news: PropertyMap): Promise<void> {
    const admin = this.cluster.admin();
    const want = JSON.stringify(reveal(news["minInsyncReplicas"]));
    if ((await admin.clusterSetting(MIN_ISR)) === want) return;
    await admin.setClusterSetting(MIN_ISR, want);
  }
}
