import * as pulumi from "@pulumi/pulumi";
import type { Lab, Passwords, QuotaEntity, User as UserModel } from "../../model";
import { Acls, type PilabProvider, Quota, User } from "../../provider/resources";
import type { KafkaCluster } from "./cluster";
import { randomPassword } from "../random-password";

export interface AccessArgs {
  readonly lab: Lab;
  readonly cluster: KafkaCluster;
  readonly provider: PilabProvider;
  /** Passwords from the configuration, of the users whose come from there. */
  readonly passwords: Readonly<Record<string, Passwords>>;
}

/** A user's passwords by mechanism, secret. */
type SecretPasswords = Readonly<Record<string, pulumi.Output<string>>>;

/** Who may use the cluster, for what, and how much of it. */
export class Access extends pulumi.ComponentResource {
  /** By user and mechanism. */
  public readonly passwords: Readonly<Record<string, SecretPasswords>>;
  /** Depend on them to run after everybody may log in. */
  public readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Access", name, {}, opts);
    const { lab, cluster, provider } = args;
    // With the whole cluster they go, unasked: its metadata holds them.
    const live = {
      parent: this,
      provider,
      dependsOn: [cluster.running],
      deletedWith: cluster.running,
    };
    this.passwords = Object.fromEntries(
      lab.users.map((user) => [user.name, this.passwordsOf(user, args.passwords)]),
    );
    const rulesOf = new Map<string, Acls>();
    for (const { user, rules } of lab.acls) {
      const whose = user === "*" ? "everybody" : user;
      const acls = new Acls(
        `acls-${whose}`,
        { principal: `User:${user}`, rules: [...rules] },
        live,
      );
      rulesOf.set(user, acls);
    }
    const ready: pulumi.Resource[] = [];
    for (const [user, byMechanism] of Object.entries(this.passwords)) {
      const credentials = Object.fromEntries(
        Object.entries(byMechanism).map(([mechanism, password]) => [mechanism, { password }]),
      );
      // Whoever can log in is bound by the rules that deny, when they come and when they go.
      const binding = [rulesOf.get(user), rulesOf.get("*")].filter((acls) => acls !== undefined);
      const dependsOn = [...live.dependsOn, ...binding];
      ready.push(new User(user, { name: user, credentials }, { ...live, dependsOn }));
    }
    this.ready = [...ready, ...rulesOf.values()];
    for (const quota of lab.quotas) {
      const named = entries(quota).map(([kind, value]) => `${kind}=${value}`);
      const args = { entity: markedEntity(quota), limits: quota.limits };
      new Quota(`quota-${named.join(",")}`, args, live);
    }
    this.registerOutputs({});
  }

  private passwordsOf(
    { name, password, passwordVersions }: UserModel,
    given: AccessArgs["passwords"],
  ): SecretPasswords {
    switch (password) {
      case "random":
        return Object.fromEntries(
          Object.entries(passwordVersions).map(([mechanism, version]) => [
            mechanism,
            randomPassword(`${name}-${mechanism.toLowerCase()}`, version, { parent: this }),
          ]),
        );
      case "config":
        return Object.fromEntries(
          Object.entries(given[name] ?? {}).map(([mechanism, text]) => [
            mechanism,
            pulumi.secret(text),
          ]),
        );
      default:
        return password satisfies never;
    }
  }
}

function entries({ user, clientId, ip }: QuotaEntity): [string, string][] {
  return Object.entries({ user, clientId, ip }).flatMap(([kind, value]): [string, string][] =>
    value === undefined ? [] : [[kind, value]],
  );
}

/** With Kafka's own mark for all others, which is no name that a client could have. */
function markedEntity(entity: QuotaEntity): Record<string, string> {
  const mark = (value: string): string => (value === "default" ? "<default>" : value);
  return Object.fromEntries(entries(entity).map(([kind, value]) => [kind, mark(value)]));
}
