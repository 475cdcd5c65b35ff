import { SCRAM_MECHANISMS } from "../../model/kafka/security";
import type { ScramMechanism } from "../../model/types";
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
import { salted } from "./salt";

/** `pilab:kafka/user:User`. Its id is the user's name. */
export class UserHandler implements ResourceHandler {
  constructor(private readonly cluster: ClusterAccess) {}

  check({ olds, news }: CheckRequest): CheckResult {
    return plan.checkUser(olds, news);
  }

  diff({ olds, news }: DiffRequest, { log }: CallContext): DiffResult {
    const detailedDiff = plan.diffUser(olds, news);
    const login = this.cluster.login();
    const name = olds["name"] as string;
    const changes = (path: string): boolean =>
      login !== undefined && path.startsWith(`credentials.${login.mechanism}`);
    if (login?.username === name && Object.keys(detailedDiff).some(changes)) {
      log.warn(
        `user ${name}: the provider itself logs in with this very credential. Let it log in ` +
          "otherwise while it changes: docs/security.md says how.",
      );
    }
    return { detailedDiff, stables: ["name"] };
  }

  async create({ news, preview }: CreateRequest, context: CallContext): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    const want = plan.userSpec(news);
    const live = await this.security().describeUser(want.name);
    if (live.size > 0) {
      const has = [...live.keys()].join(" and ");
      context.log.info(
        `user ${want.name}: it was there already with ${has}, and gets the declared credentials`,
      );
    }
    await this.apply({ name: want.name, credentials: {} }, want, live, context);
    return { id: want.name, outputs: plan.userState(want) };
  }

  async read(request: ReadRequest, { log }: CallContext): Promise<ReadResult> {
    const { id, outputs, inputs } = request;
    const imported = isImport(request);
    const known: plan.UserSpec = imported ? { name: id, credentials: {} } : plan.userSpec(outputs);
    return orAsKnown(`user ${id}:`, request, log, async () => {
      const live = await this.security().describeUser(id);
      if (live.size === 0) {
        // The engine would take an empty answer to an import for a user without properties.
        if (imported) throw new Error(`user ${id}: the brokers know no user of that name`);
        return { id: "", outputs: {}, inputs: {} };
      }
      const refused = await this.refusedPasswords(known, live);
      for (const mechanism of refused) {
        log.warn(
          `user ${id}: the password of ${mechanism} was changed by someone else: the one that ` +
            "the stack knows is refused. The next `pulumi up` sets it again.",
        );
      }
      if (imported) {
        log.info(
          `user ${id}: Kafka tells nobody its passwords. Those that you declare are set at the next \`pulumi up\`.`,
        );
      }
      const seen = plan.userState(plan.observeUser(known, live, refused));
      return { id, outputs: seen, inputs: { ...inputs, ...seen } };
    });
  }

  async update(
    { id, olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    if (preview) return { outputs: news };
    const want = plan.userSpec(news);
    const live = await this.security().describeUser(id);
    await this.apply(plan.userSpec(olds), want, live, context);
    return { outputs: plan.userState(want) };
  }

  async delete({ id, outputs }: DeleteRequest, context: CallContext): Promise<void> {
    const known = plan.userSpec(outputs);
    const live = await this.security().describeUser(id);
    const changed = plan.changedSince(known.credentials, live);
    if (changed.length > 0) {
      throw new Error(
        `user ${id}: not deleted, since ${changed.join(" and ")} was set by someone else, with ` +
          "other iterations than the stack knows. Run `pulumi refresh` to take it over.",
      );
    }
    await this.apply(known, { name: id, credentials: {} }, live, context);
  }

  /** Sets what is wanted, and removes what is not once that holds, so that nobody is locked out in between. */
  private async apply(
    known: plan.UserSpec,
    want: plan.UserSpec,
    live: ReadonlyMap<ScramMechanism, number>,
    context: CallContext,
  ): Promise<void> {
    const change = plan.planUser(known.credentials, want.credentials, live);
    const security = this.security();
    for (const mechanism of change.set) {
      await this.set(want.name, mechanism, want.credentials[mechanism]!, context);
    }
    for (const mechanism of change.remove) {
      await security.removeCredential(want.name, mechanism);
      await untilShown(`user ${want.name} to lose ${mechanism}`, context, async () => {
        const now = await security.describeUser(want.name);
        return now.has(mechanism) ? "the broker still shows it" : undefined;
      });
    }
    tellStrangers(want.name, change.strangers, context.log);
  }

  private async set(
    name: string,
    mechanism: ScramMechanism,
    credential: plan.Credential,
    context: CallContext,
  ): Promise<void> {
    const security = this.security();
    await security.setCredential(name, await salted(mechanism, credential));
    await untilShown(`the new password of user ${name} for ${mechanism}`, context, async () => {
      const now = await security.describeUser(name);
      if (now.get(mechanism) !== credential.iterations) return "the broker does not show it yet";
      return (await this.refuses(name, mechanism, credential.password))
        ? "the broker refuses it still; or someone else has set another one meanwhile"
        : undefined;
    });
  }

  /** Mechanisms whose known password is refused; none where the listener does not tell. */
  private async refusedPasswords(
    known: plan.UserSpec,
    live: ReadonlyMap<ScramMechanism, number>,
  ): Promise<ReadonlySet<ScramMechanism>> {
    const refused = new Set<ScramMechanism>();
    for (const mechanism of SCRAM_MECHANISMS) {
      const password = known.credentials[mechanism]?.password ?? "";
      if (password === "" || !live.has(mechanism)) continue;
      if (await this.refuses(known.name, mechanism, password)) refused.add(mechanism);
    }
    return refused;
  }

  /** Asked only where the provider logs in itself: no other listener would know. */
  private async refuses(
    name: string,
    mechanism: ScramMechanism,
    password: string,
  ): Promise<boolean> {
    if (this.cluster.login() === undefined) return false;
    return (await this.security().tryLogin(name, mechanism, password)) === "refused";
  }

  private security(): SecurityAdmin {
    return this.cluster.admin().security;
  }
}

function tellStrangers(name: string, strangers: readonly ScramMechanism[], log: Log): void {
  if (strangers.length === 0) return;
  log.warn(
    `user ${name}: it also has ${strangers.join(" and ")}, which the stack does not know, and which ` +
      "stays. `pulumi refresh` shows it, and the next `pulumi up` then removes it.",
  );
}
