import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DeleteRequest,
  DiffRequest,
  DiffResult,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import type { QuotaEntity, SecurityAdmin } from "../admin/security-port";
import { isImport, orAsKnown } from "../as-known";
import type { ClusterAccess } from "../cluster";
import { untilShown } from "../shown";
import { parseQuotaId, quotaId } from "./entity";
import * as plan from "./plan";

/** `pilab:kafka/quota:Quota`. Its id is the entity: `user=alice,client-id=x`. */
export class QuotaHandler implements ResourceHandler {
  constructor(private readonly cluster: ClusterAccess) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: plan.checkQuota(news) };
  }

  diff({ olds, news }: DiffRequest): DiffResult {
    return { detailedDiff: plan.diffQuota(olds, news), stables: ["entity"] };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    const want = plan.quotaSpec(news);
    const id = quotaId(want.entity);
    const live = await this.security().describeQuota(want.entity);
    const found = plan.observeQuota(Object.keys(want.limits), live);
    if (Object.keys(found).length > 0) {
      context.log.info(`quota ${id}: taken over, with ${JSON.stringify(found)} as it was`);
    }
    await this.apply(want.entity, [], want.limits, live, context);
    return { id, outputs: plan.quotaState(want) };
  }

  async read(request: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    const { id, outputs, inputs } = request;
    const imported = isImport(request);
    const entity = parseQuotaId(id);
    return orAsKnown(`quota ${id}:`, request, log, async () => {
      const live = await this.security().describeQuota(entity);
      const owned = Object.keys(imported ? live : plan.quotaSpec(outputs).limits);
      const limits = plan.observeQuota(owned, live);
      if (Object.keys(limits).length === 0) {
        // The engine would take an empty answer to an import for a quota without properties.
        if (imported) throw new Error(`quota ${id}: the brokers have none of it`);
        return { id: "", outputs: {}, inputs: {} };
      }
      const seen = plan.quotaState({ entity, limits });
      return { id, outputs: seen, inputs: { ...inputs, ...seen } };
    });
  }

  async update(
    { olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    if (preview) return { outputs: news };
    const want = plan.quotaSpec(news);
    const owned = Object.keys(plan.quotaSpec(olds).limits);
    const live = await this.security().describeQuota(want.entity);
    await this.apply(want.entity, owned, want.limits, live, context);
    return { outputs: plan.quotaState(want) };
  }

  async delete({ id, outputs }: DeleteRequest, context: CallContext): Promise<void> {
    const { entity, limits } = plan.quotaSpec(outputs);
    const live = await this.security().describeQuota(entity);
    const changed = plan.changedSince(limits, live);
    if (changed.length > 0) {
      const what = changed.map((key) => `${key} is ${live[key]}, not ${limits[key]}`).join("; ");
      throw new Error(
        `quota ${id}: not deleted, since someone has changed it: ${what}. ` +
          "Run `pulumi refresh` to take that over.",
      );
    }
    await this.apply(entity, Object.keys(limits), {}, live, context);
  }

  private async apply(
    entity: QuotaEntity,
    owned: readonly string[],
    want: plan.Limits,
    live: plan.Limits,
    context: CallContext,
  ): Promise<void> {
    const change = plan.planQuota(owned, want, live);
    if (plan.isEmptyChange(change)) return;
    const security = this.security();
    await security.alterQuota(entity, change.set, change.remove);
    await untilShown(`the new quota ${quotaId(entity)}`, context, async () => {
      const now = await security.describeQuota(entity);
      const left = plan.planQuota(owned, want, now);
      const late = [...Object.keys(left.set), ...left.remove];
      return late.length === 0 ? undefined : `the broker shows the former ${late.join(" and ")}`;
    });
  }

  private security(): SecurityAdmin {
    return this.cluster.admin().security;
  }
}
