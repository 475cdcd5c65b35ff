import { levelOfName, METADATA_FEATURE, nameOfLevel } from "../../model/kafka/features";
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
import { diffProperties, reveal } from "../../plugins/common/rpc";
import type { ConnectAdmin, Features } from "../admin/port";
import { asking, BRISK, isUnreachable } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { waitFor } from "../wait";
import { checkMetadataVersion, nodesThatCannotRead, oneWayNote, refusedStep } from "./plan";

const ID = "cluster";
/** How long brokers may take to hear of a new level from the controllers, ms. */
const SEEN_MS = 30_000;
const INTERVAL_MS = 200;

/**
 * `pilab:kafka/metadataVersion:MetadataVersion`. There is no delete: a finalized version stays, and is
 * forgotten here.
 */
export class MetadataVersionHandler implements ResourceHandler {
  constructor(
    private readonly cluster: Pick<ClusterAccess, "admin" | "bootstrapServers">,
    private readonly connect: ConnectAdmin,
  ) {}

  /** The note is an input, so that every preview that changes the version shows it. */
  check({ news }: CheckRequest): CheckResult {
    const failures = checkMetadataVersion(news);
    const name = reveal(news["metadataVersion"]);
    const oneWay = typeof name === "string" ? oneWayNote(name) : undefined;
    return { inputs: { ...news, oneWay }, failures };
  }

  /** What the cluster says counts, since others may have raised it; else what the state knows. */
  async diff({ olds, news }: DiffRequest, context: CallContext): Promise<DiffResult> {
    const [before, after] = [levelOf(olds), levelOf(news)];
    if (before !== undefined && after !== undefined && before !== after) {
      const live = await this.askBriefly();
      if (live === undefined) {
        context.log.warn(
          "no broker answers: the change of the metadata version is judged by the last known one, " +
            nameOfLevel(before),
        );
      }
      judge(live ?? before, after, context);
    }
    return { detailedDiff: diffProperties(olds, news) };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (!preview) return { id: ID, outputs: await this.converge(news, context) };
    const [live, after] = [await this.askBriefly(), levelOf(news)];
    if (live !== undefined && after !== undefined) judge(live, after, context);
    return { id: "", outputs: news };
  }

  async update({ news, preview }: UpdateRequest, context: CallContext): Promise<UpdateResult> {
    return { outputs: preview ? news : await this.converge(news, context) };
  }

  async read({ outputs, inputs }: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    try {
      const level = finalizedLevel(await this.cluster.admin().describeFeatures());
      const name = nameOfLevel(level);
      const seen = { metadataVersion: name, oneWay: oneWayNote(name) };
      return { id: ID, outputs: seen, inputs: seen };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      log.warn(`the metadata version is kept as last known: ${error.message}`);
      return { id: ID, outputs, inputs };
    }
  }

  private async converge(news: PropertyMap, context: CallContext): Promise<PropertyMap> {
    const level = levelOf(news);
    if (level === undefined) throw new Error("the metadata version passed its check unknown");
    const admin = this.cluster.admin();
    const before = finalizedLevel(await admin.describeFeatures());
    const refusal = refusedStep(before, level);
    if (refusal !== undefined) throw new Error(refusal);
    if (before === level) return news;
    const name = nameOfLevel(level);
    const cannot = nodesThatCannotRead(level, await this.askAll());
    if (cannot.length > 0) {
      throw new Error(
        `the metadata version ${name} is not finalized, since not every broker can read it: ` +
          `${cannot.join("; ")}. Nothing was changed. Bring all brokers to a Kafka that does ` +
          "(cluster.kafkaVersion), then run `pulumi up` again.",
      );
    }
    context.log.status(`finalizing the metadata version ${name}`);
    await admin.raiseFeature(METADATA_FEATURE, level);
    await this.awaitSeen(level, context);
    context.log.info(
      `metadata version ${nameOfLevel(before)} => ${name}: finalized, and seen by all`,
    );
    return news;
  }

  private awaitSeen(level: number, { signal, log }: CallContext): Promise<void> {
    const wait = {
      what: `all brokers to take over the metadata version ${nameOfLevel(level)}`,
      timeoutMs: SEEN_MS,
      intervalMs: INTERVAL_MS,
      signal,
      progress: (line: string) => log.status(line),
    };
    return waitFor(wait, async () => {
      const behind = (await this.askAll()).filter(({ finalized }) => finalized < level);
      if (behind.length === 0) return { done: undefined };
      return { pending: `${behind.map(({ server }) => server).join(", ")} not yet` };
    });
  }

  /** Every broker for itself. One that does not answer fails it all: what it can read is not known. */
  private askAll(): Promise<
    { server: string; supported: Features["supported"]; finalized: number }[]
  > {
    return Promise.all(
      this.cluster.bootstrapServers().map(async (server) => {
        const features = await this.askOf([server]);
        const { supported } = features;
        return { server, supported, finalized: finalizedLevel(features) };
      }),
    );
  }

  /** For previews: the finalized level, or undefined if no broker answers within moments. */
  private async askBriefly(): Promise<number | undefined> {
    try {
      return finalizedLevel(await this.askOf(this.cluster.bootstrapServers()));
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return undefined;
    }
  }

  private askOf(servers: readonly string[]): Promise<Features> {
    return asking(this.connect(servers, BRISK), (admin) => admin.describeFeatures());
  }
}

/** Refuses a step back, and says of a step forward that there is none back. */
function judge(before: number, after: number, { log }: CallContext): void {
  const refusal = refusedStep(before, after);
  if (refusal !== undefined) throw new Error(refusal);
  if (after === before) return;
  const [from, to] = [before, after].map(nameOfLevel);
  log.warn(`metadata version ${from} => ${to} is ${oneWayNote(to ?? "")}`);
}

function levelOf(properties: PropertyMap): number | undefined {
  const name = reveal(properties["metadataVersion"]);
  return typeof name === "string" ? levelOfName(name) : undefined;
}

function finalizedLevel({ finalized }: Features): number {
  return finalized[METADATA_FEATURE] ?? 0;
}
