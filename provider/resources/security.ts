/** Users, rules and quotas as a program sees them. */
import * as pulumi from "@pulumi/pulumi";

import type { AclOperation, AclResource, ScramMechanism } from "../../model/types";
import { versioned } from "./versioned";

export interface ScramCredential {
  readonly password: pulumi.Input<string>;
  /** How often the password is hashed: what a thief of the metadata log has to do for each guess. 4096 to 16384, default 8192. */
  readonly iterations?: pulumi.Input<number> | undefined;
}

export interface UserArgs {
  /** The user's name, without `User:`. Another name is another user. */
  readonly name: pulumi.Input<string>;
  /** By mechanism. A user with two can have one changed after the other. */
  readonly credentials: Readonly<Partial<Record<ScramMechanism, ScramCredential>>>;
}

/** A user who logs in by SCRAM. */
export class User extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/user:User";

  declare readonly name: pulumi.Output<string>;
  declare readonly credentials: pulumi.Output<
    Partial<Record<ScramMechanism, { password: string; iterations: number }>>
  >;

  constructor(name: string, args: UserArgs, opts?: pulumi.CustomResourceOptions) {
    super(User.type, name, { ...args, credentials: guarded(args.credentials) }, versioned(opts));
  }

  /** An existing user, by name. Kafka tells nobody the passwords: they are empty. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): User {
    // An output comes of each property that is named here, whatever it is given.
    const read: Record<keyof UserArgs, undefined> = { name: undefined, credentials: undefined };
    return new User(name, read as unknown as UserArgs, { ...opts, id });
  }
}

/** The passwords marked as secrets, and nothing else: a preview may name the iterations. */
function guarded(
  credentials: UserArgs["credentials"] | undefined,
): UserArgs["credentials"] | undefined {
  if (credentials === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(credentials).map(([mechanism, { password, ...rest }]) => [
      mechanism,
      { ...rest, password: pulumi.secret(password) },
    ]),
  );
}

export interface AclRuleArgs {
  readonly resource: pulumi.Input<AclResource>;
  /** Name of the resource, `*` for every one; not needed with `cluster`. */
  readonly name?: pulumi.Input<string> | undefined;
  /** Whether `name` is the name, or the beginning of names. Default: `literal`. */
  readonly pattern?: pulumi.Input<"literal" | "prefixed"> | undefined;
  readonly operation: pulumi.Input<AclOperation>;
  /** Default: `allow`. A denial outweighs whatever else allows. */
  readonly permission?: pulumi.Input<"allow" | "deny"> | undefined;
  /** Address that the client connects from. Default: `*`, any. */
  readonly host?: pulumi.Input<string> | undefined;
}

export interface AclsArgs {
  /** Whose rules, as Kafka writes it: `User:alice`; `User:*` is everybody. */
  readonly principal: pulumi.Input<string>;
  /** All rules of this principal; in any order. */
  readonly rules: pulumi.Input<pulumi.Input<AclRuleArgs>[]>;
}

/** All rules of one principal: what it has beside them is removed. */
export class Acls extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/acls:Acls";

  declare readonly principal: pulumi.Output<string>;
  /** The rules with their defaults, each once. */
  declare readonly rules: pulumi.Output<Required<pulumi.Unwrap<AclRuleArgs>>[]>;
  /** `allow`, `deny` or both, by the rule in words; for previews. */
  declare readonly grants: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: AclsArgs, opts?: pulumi.CustomResourceOptions) {
    super(Acls.type, name, { ...args, grants: undefined }, versioned(opts));
  }

  /** The rules of a principal. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): Acls {
    // An output comes of each property that is named here, whatever it is given.
    const read: Record<keyof AclsArgs, undefined> = { principal: undefined, rules: undefined };
    return new Acls(name, read as unknown as AclsArgs, { ...opts, id });
  }
}

/** `<default>` in place of a name: all that have no quota of their own. */
export interface QuotaEntityArgs {
  readonly user?: pulumi.Input<string> | undefined;
  readonly clientId?: pulumi.Input<string> | undefined;
  /** An address; alone. */
  readonly ip?: pulumi.Input<string> | undefined;
}

/** Kafka's keys. What is left out is not touched. */
export interface QuotaLimits {
  /** Bytes a second that a broker takes. */
  readonly producer_byte_rate?: pulumi.Input<number> | undefined;
  /** Bytes a second that a broker gives. */
  readonly consumer_byte_rate?: pulumi.Input<number> | undefined;
  /** Share of a broker's network and request threads, percent of one thread. */
  readonly request_percentage?: pulumi.Input<number> | undefined;
  /** Partitions made or deleted a second, in the whole cluster. */
  readonly controller_mutation_rate?: pulumi.Input<number> | undefined;
  /** Connections a second to a broker; of an `ip` alone. */
  readonly connection_creation_rate?: pulumi.Input<number> | undefined;
}

export interface QuotaArgs {
  readonly entity: pulumi.Input<QuotaEntityArgs>;
  readonly limits: pulumi.Input<QuotaLimits>;
}

/** Limits of a user, a client or an address, owned key by key. */
export class Quota extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/quota:Quota";

  declare readonly entity: pulumi.Output<pulumi.Unwrap<QuotaEntityArgs>>;
  declare readonly limits: pulumi.Output<pulumi.Unwrap<QuotaLimits>>;

  constructor(name: string, args: QuotaArgs, opts?: pulumi.CustomResourceOptions) {
    super(Quota.type, name, { ...args }, versioned(opts));
  }

  /** An existing quota, by its id, such as `user=alice,client-id=x`. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    opts?: pulumi.CustomResourceOptions,
  ): Quota {
    // An output comes of each property that is named here, whatever it is given.
    const read: Record<keyof QuotaArgs, undefined> = { entity: undefined, limits: undefined };
    return new Quota(name, read as unknown as QuotaArgs, { ...opts, id });
  }
}
