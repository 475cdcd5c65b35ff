import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DeleteRequest,
  DiffRequest,
  DiffResult,
  Log,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { UNKNOWN } from "../../plugins/common/rpc";
import type { LiveTopic } from "../admin/port";
import { KafkaError } from "../admin/port";
import { isImport, orAsKnown } from "../as-known";
import type { ClusterAccess } from "../cluster";
import { changesDiff } from "./changes";
import {
  afterFailedMoves,
  aroundMoves,
  type ConfigChange,
  isEmptyChange,
  planConfig,
} from "./config-change";
import { condemned, judgeNow, renameRefusals } from "./judge";
import { ClusterLook } from "./look";
import { MoveError } from "./mover";
import * as plan from "./plan";
import { previewTopic, tellByState, type Told } from "./preview";
import { type ObservedTopic, ReplicaMoves } from "./replica-moves";
import { looksUnsettled } from "./replica-state";
import { assertAsKnown, isSameTopic } from "./stale-state";
import { TopicsLook } from "./topics-look";
import { unknownTopic } from "./unknown-topic";
import { TopicWaits } from "./waits";

interface Move {
  readonly news: PropertyMap;
  readonly want: plan.TopicSpec;
  /** What the state has. */
  readonly before: plan.TopicSpec;
  readonly live: LiveTopic;
  readonly change: ConfigChange;
}

/** `pilab:kafka/topic:Topic`. Its id is the topic's name. */
export class TopicHandler implements ResourceHandler {
  private readonly replicas: ReplicaMoves;
  private readonly look: ClusterLook;
  private readonly topics: TopicsLook;
  private readonly waits: TopicWaits;
  /** Those that resources of this run have found and taken over: see `delete`. */
  private readonly takenOver = new Set<string>();
  /** By resource, from its check to its diff. */
  private readonly told = new Map<string, Told>();

  constructor(private readonly cluster: ClusterAccess) {
    this.replicas = new ReplicaMoves(cluster);
    this.look = new ClusterLook(cluster);
    this.topics = new TopicsLook(cluster);
    this.waits = new TopicWaits(cluster);
  }

  /** Runs in previews and again in the `up`. While nothing changes nobody is asked. */
  async check({ urn, olds, news }: CheckRequest, { log }: CallContext): Promise<CheckResult> {
    const faults = plan.checkTopic(news);
    if (faults.length > 0) return { inputs: news, failures: faults };
    const { told, ...checked } = await previewTopic(this.look, olds, news, log);
    if (told !== undefined) this.told.set(urn, told);
    return checked;
  }

  /**
   * The diff of an update follows the check of its inputs. One without is a refresh's: it shows what others
   * have made of the topic since, of which nothing is to be refused.
   */
  async diff(
    { id, urn, olds, oldInputs, news }: DiffRequest,
    { log }: CallContext,
  ): Promise<DiffResult> {
    const told = this.told.get(urn);
    this.told.delete(urn);
    if (told !== undefined) await tellByState(this.look, told, olds, news, log);
    const against = await renameRefusals(this.cluster, olds, news);
    if (against.length > 0) throw new Error([`topic ${id}:`, ...against].join("\n  "));
    const detailedDiff = plan.diffTopic(olds, news);
    const changes = Object.keys(detailedDiff).length > 0 ? changesDiff(oldInputs, news) : {};
    return { detailedDiff: { ...detailedDiff, ...changes }, stables: ["topicId", "name"] };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (preview) return { id: "", outputs: { ...news, topicId: UNKNOWN } };
    const want = plan.topicSpec(news);
    const admin = this.cluster.admin();
    const found = await admin.describeTopic(want.name);
    if (found === undefined) {
      try {
        await admin.createTopic(want);
      } catch (error) {
        // Made by a run that was killed, or by someone else this second: the same as found.
        if (!(error instanceof KafkaError && error.code === "TOPIC_ALREADY_EXISTS")) throw error;
        await this.adopt(news, want, await this.waits.presence(want.name, context), context);
      }
    } else {
      await this.adopt(news, want, found, context);
    }
    return { id: want.name, outputs: await this.waits.ready(news, want, context) };
  }

  read(request: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    const { id, outputs } = request;
    return orAsKnown(`topic ${id}:`, request, log, async () => {
      const state = isImport(request) ? undefined : plan.topicSpec(outputs);
      const live = await this.liveFor(id, state);
      if (live === undefined) {
        // The engine would take an empty answer to an import for a topic without properties.
        if (state === undefined) throw new Error(await unknownTopic(id, this.cluster.admin()));
        return { id: "", outputs: {}, inputs: {} };
      }
      const known = state ?? plan.importedSpec(id, live);
      return this.seen(request, await this.replicas.observe(known, live), log);
    });
  }

  /**
   * The topic as a read goes by it: from a look at many if it shows there, settled. What is gone, or moves, is
   * asked for by itself, since more is asked then, of the same moment.
   */
  private async liveFor(
    id: string,
    state: plan.TopicSpec | undefined,
  ): Promise<LiveTopic | undefined> {
    if (state === undefined) return this.cluster.admin().describeTopic(id);
    const keys = plan.settingsOfState(state);
    const seen = await this.topics.topic(id, keys);
    if (seen !== undefined && !looksUnsettled(state, seen)) return seen;
    return this.cluster.admin().describeTopic(id, keys);
  }

  /** What the state is to have of a topic that was looked at. */
  private seen(
    { id, outputs, inputs }: ReadRequest,
    { topicId, unfinished, ...plain }: ObservedTopic,
    log: Log,
  ): ReadResult {
    const seen = { ...plain, config: plan.asSecretAsKnown(outputs["config"], plain.config) };
    if (!isImport({ outputs }) && !isSameTopic(outputs["topicId"], topicId)) {
      log.warn(
        `topic ${id} was deleted and made again: it now has the id ${topicId}. ` +
          "The records of the former one are gone.",
      );
    }
    const left = unfinished === undefined ? {} : { unfinished };
    const { changes } = outputs;
    return {
      id,
      outputs: { ...seen, topicId, ...left, changes },
      inputs: { ...inputs, ...seen },
    };
  }

  async update(
    { id, olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    const outputs: PropertyMap = { ...news, topicId: olds["topicId"] };
    if (preview) return { outputs };
    const want = plan.topicSpec(news);
    const before = plan.topicSpec(olds);
    if (plan.changesStateAlone(olds, news)) return { outputs };

    const admin = this.cluster.admin();
    const live = await admin.describeTopic(id);
    assertAsKnown(id, olds["topicId"], want, live);
    const change = planConfig(Object.keys(before.config), want.config, live.config);
    const moves = plan.concernsReplicas(olds, news);
    if (moves) await this.moveReplicas({ news, want, before, live, change }, context);
    else await this.alterConfig(id, change);
    const grows = live.partitions.length < want.partitions;
    const hasWritten = moves || !isEmptyChange(change);
    if (grows) await this.raisePartitions({ news, want, live }, hasWritten);
    const isSettingsAlone = !grows && !moves;
    return {
      outputs: isSettingsAlone
        ? await this.waits.settings(news, want, change, context)
        : await this.waits.ready(news, want, context),
    };
  }

  /**
   * A resource that is replaced by one for the same topic, or has got another name in the program, is deleted
   * after the new one has taken the topic over: that one's topic is not to go.
   */
  async delete({ id, outputs }: DeleteRequest, context: CallContext): Promise<void> {
    const admin = this.cluster.admin();
    const live = await admin.describeTopic(id);
    if (live === undefined) return;
    if (this.takenOver.has(identityOf(live))) {
      const line = "left as it is: a resource that this run has made has taken it over";
      return context.log.info(`topic ${id}: ${line}`);
    }
    const verdict = await judgeNow(this.cluster, condemned(outputs), live);
    if (verdict.kind === "refused") throw new Error(`topic ${id}: not deleted: ${verdict.why}`);
    try {
      await admin.deleteTopic(live);
    } catch (error) {
      const gone = error instanceof KafkaError && error.code === "UNKNOWN_TOPIC_ID";
      if (!gone) throw error;
    }
    await this.waits.gone(live, context);
    if (verdict.kind === "allowed") context.log.info(`topic ${id}: destroyed: ${verdict.why}`);
  }

  /** Takes over a topic that is there, once its owned settings and its placement are as wanted. */
  private async adopt(
    news: PropertyMap,
    want: plan.TopicSpec,
    found: LiveTopic,
    context: CallContext,
  ): Promise<void> {
    const { live, reassignments } = await this.replicas.look(want, found);
    const refusals = plan.adoptionRefusals(want, live, reassignments);
    if (refusals.length > 0) {
      throw new Error(
        [
          `topic ${want.name}: there is one of that name already, and it differs:`,
          ...refusals,
          "Declare it as it is, or remove it from the cluster if nobody needs it.",
        ].join("\n  "),
      );
    }
    this.takenOver.add(identityOf(live));
    const change = planConfig([], want.config, live.config);
    if (want.placement === undefined) await this.alterConfig(want.name, change);
    else await this.moveReplicas({ news, want, before: want, live, change }, context);
    context.log.info(
      `topic ${want.name}: it was there already, and is taken over with its records`,
    );
  }

  /** Moves replicas to where they are wanted, and writes each setting at its time. */
  private async moveReplicas(
    { news, want, before, live, change }: Move,
    context: CallContext,
  ): Promise<void> {
    const refusals = await this.replicas.refusals(want, live);
    if (refusals.length > 0) throw new Error([`topic ${want.name}:`, ...refusals].join("\n  "));
    const [first, last] = aroundMoves(change, live);
    await this.alterConfig(want.name, first);
    try {
      await this.replicas.run(want, live, context);
    } catch (error) {
      if (!(error instanceof MoveError)) throw error;
      throw await this.replicas.whatIsTrue(
        error.reasons,
        afterFailedMoves(want, before, last),
        news,
      );
    }
    await this.alterConfig(want.name, last);
  }

  /** @param hasWritten whether replicas or settings are changed by now: where this fails, the state is to have them */
  private async raisePartitions(
    { news, want, live }: Pick<Move, "news" | "want" | "live">,
    hasWritten: boolean,
  ): Promise<void> {
    const placement = want.placement?.slice(live.partitions.length);
    try {
      await this.cluster.admin().raisePartitions(want.name, want.partitions, placement);
    } catch (error) {
      if (!(error instanceof KafkaError) || !hasWritten) throw error;
      throw await this.replicas.whatIsTrue([error.message], want, news);
    }
  }

  private async alterConfig(name: string, change: ConfigChange): Promise<void> {
    if (isEmptyChange(change)) return;
    await this.cluster.admin().alterTopicConfig(name, change.set, change.remove);
  }
}

const identityOf = ({ topic, topicId }: LiveTopic): string => `${topic} ${topicId}`;
