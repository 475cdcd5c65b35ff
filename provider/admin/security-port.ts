/** What the provider asks of a Kafka cluster about users, rules and quotas. As in `port.ts`: every call bounds its own time. */

import type { AclRule, ScramMechanism } from "../../model/types";

/** A credential as Kafka keeps it: the password itself is not sent. */
export interface SaltedCredential {
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

/**
 * Iterations that mark a credential as removed. Kafka 4.1.1 to 4.4.0 must not be asked to remove one: a broker
 * that starts and reads the removal from its metadata log, before a snapshot has passed, may forget all
 * other users of the mechanism (`ScramDelta.apply` drops the mechanism with the user that it finds alone,
 * and puts the users after it into what it has dropped).
 */
export const REMOVED_ITERATIONS = 4_097;

/** Whom a quota holds for; null is the default of all that have none of their own. */
export interface QuotaEntity {
  readonly user?: string | null;
  readonly clientId?: string | null;
  readonly ip?: string | null;
}

/** `untold`: nobody could be asked, or the listener does not know the mechanism. */
export type LoginOutcome = "accepted" | "refused" | "untold";

/** Users, rules and quotas. */
export interface SecurityAdmin {
  /** Iterations of the user's credentials by mechanism, without removed ones; empty: there is no such user. */
  describeUser(name: string): Promise<ReadonlyMap<ScramMechanism, number>>;
  /** In one step: the former password of the mechanism holds until the new one does. */
  setCredential(name: string, credential: SaltedCredential): Promise<void>;
  /**
   * Nobody can log in with it any more. Kafka's own tools still show it, with `REMOVED_ITERATIONS`: a
   * password that nobody knows has taken its place. What is gone already is no error.
   */
  removeCredential(name: string, mechanism: ScramMechanism): Promise<void>;
  /** Whether the broker that answers lets this user in, on a connection of its own. */
  tryLogin(name: string, mechanism: ScramMechanism, password: string): Promise<LoginOutcome>;
  /** All rules of exactly this principal. */
  describeAcls(principal: string): Promise<readonly AclRule[]>;
  createAcls(principal: string, rules: readonly AclRule[]): Promise<void>;
  /** Exactly these rules; what is gone already is no error. */
  deleteAcls(principal: string, rules: readonly AclRule[]): Promise<void>;
  /** Limits of exactly this entity, by Kafka's key; empty: it has none. */
  describeQuota(entity: QuotaEntity): Promise<Readonly<Record<string, number>>>;
  /** Sets and removes exactly the named limits, all or none of them. */
  alterQuota(
    entity: QuotaEntity,
    set: Readonly<Record<string, number>>,
    remove: readonly string[],
  ): Promise<void>;
}
