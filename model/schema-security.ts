import type { z } from "zod";
import * as read from "./readers";
import type { User } from "./types";

/** How ./schema reads one value, a list, and a mapping of names of the user's choice. */
export type Leaf = <T>(
  reader: read.Reader<T>,
) => z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>;
export type ListOf = <V extends z.ZodType>(items: V) => z.ZodArray<V>;
export type RecordOf = <V extends z.ZodType>(values: V) => z.ZodType<Record<string, z.output<V>>>;

const passwordOrigins: readonly User["password"][] = ["random", "config"];

/** The shapes of users, of a rule of theirs, and of a quota. */
export function securityShapes(leaf: Leaf, list: ListOf, record: RecordOf) {
  const name = (what: string, example: string) => leaf(read.text({ what, example })).optional();
  return {
    user: {
      password: leaf(
        read.word(
          { what: "where the user's password comes from", example: "random" },
          passwordOrigins,
          "is not where a password comes from",
          false,
        ),
      ).default("random"),
      passwordVersions: record(
        leaf(read.int({ what: "the number of the random password", example: "2" }, 1, 1_000_000)),
      ).optional(),
    },
    /** What it is about is one of the keys before `operations`: which one, the rules see to. */
    aclRule: {
      topic: name("a topic, or *", "red"),
      topicPrefix: name("how the topics' names begin", "alerts."),
      group: name("a consumer group, or *", "ring"),
      groupPrefix: name("how the groups' names begin", "ring-"),
      transactionalId: name("a transactional id, or *", "ring"),
      transactionalIdPrefix: name("how the transactional ids begin", "ring-"),
      cluster: leaf(
        read.flag({ what: "that the rule is about the cluster", example: "true" }),
      ).optional(),
      operations: list(leaf(read.text({ what: "an operation of Kafka's", example: "read" }))),
      permission: leaf(
        read.word(
          { what: "whether it is allowed", example: "allow" },
          ["allow", "deny"] as const,
          "is neither allow nor deny",
        ),
      ).default("allow"),
      host: leaf(read.text({ what: "a client's address, or *", example: "10.0.42.4" })).default(
        "*",
      ),
    },
    quota: {
      user: name("a user, or default", "ring"),
      clientId: name("a client's id, or default", "console-producer"),
      ip: name("a client's address, or default", "10.0.42.4"),
      limits: record(leaf(read.quantity)),
    },
  };
}
