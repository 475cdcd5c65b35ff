import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { diffProperties } from "../../plugins/common/rpc";
import { orAsKnown } from "../as-known";
import type { ClusterAccess } from "../cluster";
import { judgeBriefly } from "../topic/judge";
import {
  changeOfSet,
  checkTopicSet,
  idleConsents,
  idsOf,
  refusalText,
  warnings,
  type Judged,
} from "./plan";

/**
 * `pilab:kafka/topicSet:TopicSet`. It stands for all topics of a stack, since no call is made in a preview
 * for one that is removed: its diff sees which ones leave, counts what they hold, and refuses those that
 * nobody consented to. It changes nothing anywhere. Its id is the resource's name.
 */
export class TopicSetHandler implements ResourceHandler {
  constructor(private readonly cluster: Pick<ClusterAccess, "admin" | "settings">) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkTopicSet(news) };
  }

  /** Runs in previews and again in the `up`, there before anything is deleted. Asks only if a topic leaves. */
  async diff({ olds, news }: DiffRequest, { log }: CallContext): Promise<DiffResult> {
    const { leaving, appearing } = changeOfSet(olds, news);
    const judged = await Promise.all(
      leaving.map(async (topic): Promise<Judged> => ({
        topic,
        verdict: await judgeBriefly(this.cluster, topic),
      })),
    );
    const refusal = refusalText(judged, appearing);
    if (refusal !== undefined) throw new Error(refusal);
    const idle = idleConsents(this.cluster.settings().deletionConsents, olds, news);
    for (const line of [...warnings(judged, appearing), ...idle]) log.warn(line);
    return { detailedDiff: diffProperties(olds, news) };
  }

  create({ name, news, preview }: CreateRequest): CreateResult {
    return { id: preview ? "" : name, outputs: news };
  }

  update({ news }: UpdateRequest): UpdateResult {
    return { outputs: news };
  }

  /** The ids that the topics have by now: one that was made again is judged by what it is. */
  read(request: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    const { id, outputs, inputs } = request;
    return orAsKnown("the set of topics is", request, log, async () => {
      const names = [...idsOf(outputs).keys()];
      const topics: PropertyMap = Object.fromEntries(await this.cluster.admin().topicIds(names));
      return { id, outputs: { ...outputs, topics }, inputs: { ...inputs, topics } };
    });
  }
}
