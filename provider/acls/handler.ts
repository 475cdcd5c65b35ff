import type { AclRule } from "../../model/types";
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
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import type { SecurityAdmin } from "../admin/security-port";
import { isImport, orAsKnown } from "../as-known";
import type { ClusterAccess } from "../cluster";
import { untilShown } from "../shown";
import * as plan from "./plan";
import { told, without } from "./rules";

/** `pilab:kafka/acls:Acls`: all rules of one principal. Its id is the principal. */
export class AclsHandler implements ResourceHandler {
  constructor(private readonly cluster: ClusterAccess) {}

  check({ olds, news }: CheckRequest, { log }: CallContext): CheckResult {
    const result = plan.checkAcls(news);
    const fresh = Object.keys(olds).length === 0;
    if (fresh && this.isOwn(news["principal"])) this.warnOfOwn(news["principal"] as string, log);
    return result;
  }

  diff({ olds, news }: DiffRequest, { log }: CallContext): DiffResult {
    const detailedDiff = plan.diffAcls(olds, news);
    const principal = olds["principal"] as string;
    if (Object.keys(detailedDiff).length > 0 && this.isOwn(principal)) {
      this.warnOfOwn(principal, log);
    }
    return { detailedDiff, stables: ["principal"] };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    const want = plan.aclsSpec(news);
    const live = await this.security().describeAcls(want.principal);
    const refusal = plan.adoptionRefusal(want, live);
    if (refusal !== undefined) throw new Error(refusal);
    if (live.length > 0) {
      context.log.info(`rules of ${want.principal}: ${live.length} of them were there already`);
    }
    await this.apply([], want, live, context);
    return { id: want.principal, outputs: plan.aclsState(want) };
  }

  read(request: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    const { id, outputs, inputs } = request;
    return orAsKnown(`rules of ${id}:`, request, log, async () => {
      const rules = await this.security().describeAcls(id);
      // The engine would take an empty answer to an import for a principal without properties.
      if (rules.length === 0 && isImport(request)) {
        throw new Error(`rules of ${id}: there are none; write the principal as in User:alice`);
      }
      // Who is declared to have no rules is not gone by having none.
      if (rules.length === 0 && plan.aclsSpec(outputs).rules.length > 0) {
        return { id: "", outputs: {}, inputs: {} };
      }
      const seen = plan.aclsState({ principal: id, rules });
      return { id, outputs: seen, inputs: { ...inputs, ...seen } };
    });
  }

  async update(
    { id, olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    if (preview) return { outputs: news };
    const want = plan.aclsSpec(news);
    const live = await this.security().describeAcls(id);
    await this.apply(plan.aclsSpec(olds).rules, want, live, context);
    return { outputs: plan.aclsState(want) };
  }

  async delete({ id, outputs }: DeleteRequest, context: CallContext): Promise<void> {
    const live = await this.security().describeAcls(id);
    const nothing = { principal: id, rules: [] };
    await this.apply(plan.aclsSpec(outputs).rules, nothing, live, context);
  }

  /** New rules before old ones go, so that what both allow is allowed all the time. */
  private async apply(
    known: readonly AclRule[],
    { principal, rules }: plan.AclsSpec,
    live: readonly AclRule[],
    context: CallContext,
  ): Promise<void> {
    const { create, remove, strangers } = plan.planAcls(known, rules, live);
    const security = this.security();
    if (create.length > 0) {
      await security.createAcls(principal, create);
      await untilShown(`the new rules of ${principal}`, context, async () => {
        const missing = without(create, await security.describeAcls(principal));
        return missing.length === 0 ? undefined : `the broker does not know ${first(missing)} yet`;
      });
    }
    if (remove.length > 0) {
      await security.deleteAcls(principal, remove);
      await untilShown(`rules of ${principal} to be gone`, context, async () => {
        const gone = without(remove, await security.describeAcls(principal));
        const left = without(remove, gone);
        return left.length === 0 ? undefined : `the broker still knows ${first(left)}`;
      });
    }
    if (strangers.length > 0) {
      context.log.warn(
        [
          `rules of ${principal}: it has some that the stack does not know, and which stay:`,
          ...strangers.map(told),
          "`pulumi refresh` shows them, and the next `pulumi up` then removes them.",
        ].join("\n  "),
      );
    }
  }

  private isOwn(principal: unknown): boolean {
    const login = this.cluster.login();
    return login !== undefined && principal === `User:${login.username}`;
  }

  private warnOfOwn(principal: string, log: Log): void {
    log.warn(
      `rules of ${principal}: the provider itself logs in as this user. Unless it is one of the ` +
        "brokers' super.users, it is locked out by a rule that denies or lacks what it does: " +
        "alter and describe on the cluster, and all on the topics that it keeps.",
    );
  }

  private security(): SecurityAdmin {
    return this.cluster.admin().security;
  }
}

const first = (rules: readonly AclRule[]): string => {
  const more = rules.length > 1 ? ` and ${rules.length - 1} more` : "";
  return `${rules[0] === undefined ? "" : told(rules[0])}${more}`;
};
