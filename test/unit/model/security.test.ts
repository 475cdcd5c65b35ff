import {
  describeProblem,
  parseLab,
  parsePasswords,
  passwordProblems,
  readPasswords,
} from "../../../model";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

const RULE = { topic: "red", operations: ["read"] };

/** A lab whose brokers ask who somebody is, and that is right. */
function securedConfig(): RawConfig {
  const config = change(physicalConfig(), ["cluster", "authentication"], "scram");
  change(config, ["users"], { ann: {}, bob: { password: "config" } });
  change(config, ["acls"], { ann: [RULE] });
  return change(config, ["quotas"], [{ user: "ann", limits: { producer_byte_rate: 1024 } }]);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

it("takes a lab with users, rules and quotas", () => {
  expect(told(securedConfig())).toEqual([]);
});

describe("mistakes in who may do what", () => {
  it.each<readonly [readonly string[], unknown, string]>([
    [
      ["cluster", "authentication"],
      "plain",
      "lab.cluster.authentication: plain is not a way to log in that the lab has. Known: scram.",
    ],
    [
      ["cluster", "reassignmentThrottleMib"],
      0,
      "lab.cluster.reassignmentThrottleMib: 0 is out of range: what a broker copies a second when replicas move is a whole number from 1 to 10000 MiB. Give one, e.g. 10.",
    ],
    [
      ["cluster", "liveChecks"],
      "true",
      'lab.cluster.liveChecks: "true" is text, not a truth value. Remove the quotes: true.',
    ],
    [
      ["cluster", "settings"],
      { "super.users": "User:ann" },
      'lab.cluster.settings["super.users"]: User:ann is not to be set here: cluster.authentication governs it. Remove the line.',
    ],
    [
      ["deleteTopics"],
      ["red"],
      "lab.deleteTopics[0]: red is not a topic's id, which has 22 letters, digits, `-` and `_`. Copy it from the refusal that names the topic, or from the output `topicIds`.",
    ],
    [
      ["deleteTopics"],
      "red",
      "lab.deleteTopics: red is text, not a list. Write it in brackets, with commas between: [first, second].",
    ],
    [
      ["users", "pi-lab"],
      {},
      "lab.users.pi-lab: is the super user, with whom the nodes and the stack log in. Choose another name.",
    ],
    [
      ["users", "a b"],
      {},
      'lab.users["a b"]: is no user\'s name: those are at most 64 letters, digits, `.`, `_` and `-`. Choose another name.',
    ],
    [
      ["users", "ann", "password"],
      "hunter2",
      "lab.users.ann.password: is not where a password comes from. Known: random, config.",
    ],
    [
      ["users", "ann"],
      "hunter2",
      "lab.users.ann: is text, not a mapping. Write its keys below it; docs/configuration.md lists them.",
    ],
    [
      ["users", "bob", "passwordVersions"],
      { "SCRAM-SHA-512": 2 },
      "lab.users.bob.passwordVersions: counts random passwords, and this user's come from the configuration. Remove the line; set the new password itself to change it.",
    ],
    [
      ["users", "ann", "passwordVersions"],
      { "SCRAM-SHA512": 2 },
      "lab.users.ann.passwordVersions.SCRAM-SHA512: is not a mechanism that users log in with. Did you mean SCRAM-SHA-512?",
    ],
    [
      ["users", "ann", "passwordVersions"],
      {},
      "lab.users.ann.passwordVersions: is empty. Write { SCRAM-SHA-512: 1 }.",
    ],
    [["acls", "anne"], [RULE], "lab.acls.anne: anne is not one of users. Did you mean ann?"],
    [
      ["acls", "pi-lab"],
      [RULE],
      "lab.acls.pi-lab: is the super user, whom no rule binds. Remove the lines.",
    ],
    [
      ["acls", "ann"],
      [{ topic: "rad", operations: ["read"] }],
      "lab.acls.ann[0].topic: rad is not one of topics. Did you mean red? Add it to topics, or name one of those. If names begin so, write topicPrefix.",
    ],
    [
      ["acls", "ann"],
      [{ operations: ["read"] }],
      "lab.acls.ann[0]: does not say what it is about. Give one of topic, topicPrefix, group, groupPrefix, transactionalId, transactionalIdPrefix and cluster.",
    ],
    [
      ["acls", "ann"],
      [{ ...RULE, group: "ring" }],
      "lab.acls.ann[0]: topic and group are given both, and a rule is about one thing. Make a rule of each.",
    ],
    [
      ["acls", "ann"],
      [{ topic: "red", operations: ["Read"] }],
      "lab.acls.ann[0].operations[0]: Read is not an operation of Kafka's. Did you mean read?",
    ],
    [
      ["acls", "ann"],
      [{ group: "ring", operations: ["write"] }],
      "lab.acls.ann[0].operations[0]: write cannot be done with a group. Known: read, describe, delete, describeConfigs, alterConfigs, all.",
    ],
    [
      ["acls", "ann"],
      [{ topic: "red", operations: ["read", "read"] }],
      "lab.acls.ann[0].operations[1]: read stands here twice. Remove one of them.",
    ],
    [
      ["acls", "ann"],
      [{ topic: "red", operations: [] }],
      "lab.acls.ann[0].operations: is an empty list. Name some of read, write, describe, create, delete, alter, describeConfigs, alterConfigs, all.",
    ],
    [
      ["acls", "ann"],
      [RULE, RULE],
      "lab.acls.ann[1]: says the same as rule 0. Remove one of them.",
    ],
    [
      ["acls", "ann"],
      [{ ...RULE, host: "client-1" }],
      "lab.acls.ann[0].host: client-1 is not an address, and Kafka looks up no names here. Give the client's IPv4 address, or leave it out for all.",
    ],
    [
      ["acls", "ann"],
      [{ ...RULE, permission: "allowed" }],
      "lab.acls.ann[0].permission: allowed is neither allow nor deny. Did you mean allow? Known: allow, deny.",
    ],
    [
      ["acls", "ann"],
      [{ ...RULE, operation: "read" }],
      "lab.acls.ann[0].operation: is not a known key. Did you mean operations? Keys here: cluster, group, groupPrefix, host, operations, permission, topic, topicPrefix, transactionalId, transactionalIdPrefix.",
    ],
    [
      ["acls", "ann"],
      [{ topicPrefix: "*", operations: ["read"] }],
      'lab.acls.ann[0].topicPrefix: * is how no topic\'s name begins. Write `topic: "*"` for all topics.',
    ],
    [
      ["acls", "ann"],
      [{ cluster: false, operations: ["describe"] }],
      "lab.acls.ann[0].cluster: false says nothing. Write true, or remove the line.",
    ],
    [
      ["acls", "ann"],
      { topic: "red" },
      'lab.acls.ann: {"topic":"red"} is a mapping, not a list. Write it in brackets, with commas between: [first, second].',
    ],
    [
      ["quotas"],
      [{ user: "eve", limits: { producer_byte_rate: 1 } }],
      "lab.quotas[0].user: eve is not one of users. Add it there. Known: ann, bob; default is all others.",
    ],
    [
      ["quotas"],
      [{ limits: { producer_byte_rate: 1 } }],
      "lab.quotas[0]: does not say whom it limits. Give user, clientId, both, or ip; `default` is all without a quota of their own.",
    ],
    [
      ["quotas"],
      [{ user: "ann", ip: "10.0.42.4", limits: { producer_byte_rate: 1 } }],
      "lab.quotas[0]: user ann, ip 10.0.42.4 cannot be limited together. Give the address a quota of its own.",
    ],
    [
      ["quotas"],
      [1, 2].map(() => ({ clientId: "x", limits: { consumer_byte_rate: 5 } })),
      "lab.quotas[1]: clientId x has a quota already, number 0. Write all limits there.",
    ],
    [
      ["quotas"],
      [{ user: "ann", limits: { producer_bytes_rate: 1 } }],
      "lab.quotas[0].limits.producer_bytes_rate: is not a limit that Kafka knows. Did you mean producer_byte_rate?",
    ],
    [
      ["quotas"],
      [{ user: "ann", limits: { connection_creation_rate: 1 } }],
      "lab.quotas[0].limits.connection_creation_rate: is no limit of user. Known here: producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate.",
    ],
    [
      ["quotas"],
      [{ user: "ann", limits: {} }],
      "lab.quotas[0].limits: has no limit in it. Give some of producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate.",
    ],
    [
      ["quotas"],
      [{ user: "ann", limits: { producer_byte_rate: 0 } }],
      "lab.quotas[0].limits.producer_byte_rate: 0 is no limit that a client could work with. Give a number above 0, without quotes.",
    ],
    [
      ["quotas"],
      [{ user: "ann", limits: { producer_byte_rate: 1.5, request_percentage: 12.5 } }],
      "lab.quotas[0].limits.producer_byte_rate: 1.5 is no whole number. Leave out what is behind the point.",
    ],
    [
      ["quotas"],
      [{ ip: "default", limits: { connection_creation_rate: 2 ** 31 } }],
      "lab.quotas[0].limits.connection_creation_rate: 2147483648 is more than Kafka keeps. Give at most 2147483647.",
    ],
    [
      ["quotas"],
      [{ clientId: "<default>", limits: { consumer_byte_rate: 1 } }],
      "lab.quotas[0].clientId: <default> is Kafka's own mark, and no client's name. Write `default` for all others.",
    ],
    [
      ["quotas"],
      [{ ip: "pi-4", limits: { connection_creation_rate: 1 } }],
      "lab.quotas[0].ip: pi-4 is not an IPv4 address. Give the client's, or `default` for all others.",
    ],
  ])("%j: %j", (path, value, line) => {
    expect(told(change(securedConfig(), path, value))).toEqual([line]);
  });

  it("are users and rules where nobody logs in, but quotas may be there", () => {
    const config = change(securedConfig(), ["cluster", "authentication"], undefined);
    change(
      config,
      ["quotas"],
      [
        { user: "default", limits: { producer_byte_rate: 1024 } },
        { clientId: "slow", limits: { consumer_byte_rate: 1024 } },
        { user: "ann", limits: { producer_byte_rate: 1024 } },
      ],
    );
    const needs =
      "needs brokers that ask who somebody is: cluster.authentication is not given. A new cluster can have `authentication: scram`; a living one cannot change it. Or remove the lines.";
    expect(told(config)).toEqual([
      `lab.acls: ${needs}`,
      "lab.quotas[2].user: ann cannot be told from others: nobody logs in. Limit a clientId or an ip, or all users together with `user: default`.",
      `lab.users: ${needs}`,
    ]);
  });
});

describe("where replicas lie", () => {
  const placed = (placement: unknown) =>
    told(change(physicalConfig(), ["topics", "red"], { partitions: 1, placement }));

  it.each<readonly [unknown, readonly string[]]>([
    [[["broker-2", "broker-1", "broker-3"]], []],
    [
      [
        ["broker-1", "broker-2", "broker-3"],
        ["broker-1", "broker-2", "broker-3"],
      ],
      [
        "lab.topics.red.placement: is for 2 partitions, and the topic has 1. Give one list of brokers for each partition, or leave placement out to have Kafka choose.",
      ],
    ],
    [
      [["broker-1", "broker-2"]],
      [
        "lab.topics.red.placement[0]: broker-1, broker-2 is 2 brokers, and the replication factor is 3. Name 3 brokers, the preferred leader first.",
      ],
    ],
    [
      [["broker-1", "broker-2", "broker-1"]],
      [
        "lab.topics.red.placement[0]: broker-1, broker-2, broker-1 has broker-1 twice. Name each broker once.",
      ],
    ],
    [
      [["broker-1", "broker-2", "desk-1"]],
      [
        "lab.topics.red.placement[0][2]: desk-1 is no broker: its role is host. Name one of the brokers: broker-1, broker-2, broker-3.",
      ],
    ],
    [
      [["broker-1", "broker-2", "broker-9"]],
      ["lab.topics.red.placement[0][2]: broker-9 is not a host of the lab. Did you mean broker-1?"],
    ],
    [
      [["broker-1", "broker-2", 3]],
      [
        'lab.topics.red.placement[0][2]: 3 is read by YAML as a number, not as text. Put quotes around the name of a broker\'s host, e.g. "broker-1".',
      ],
    ],
    [
      ["broker-1"],
      [
        "lab.topics.red.placement[0]: broker-1 is text, not a list. Write it in brackets, with commas between: [first, second].",
      ],
    ],
  ])("%j", (placement, lines) => {
    expect(placed(placement)).toEqual(lines);
  });
});

describe("passwords from the configuration", () => {
  const GOOD = "correct-horse-battery";
  const lab = { users: { ann: {}, bob: { password: "config" as const } } };
  const set = (name: string) => `\`pulumi config set --secret --path 'pi-lab:passwords.${name}'\``;

  it.each<readonly [unknown, readonly string[]]>([
    [{ bob: GOOD }, []],
    [{ bob: { "SCRAM-SHA-512": GOOD, "SCRAM-SHA-256": `${GOOD}2` } }, []],
    [undefined, [`pi-lab:passwords.bob: is missing. Set it: ${set("bob")}.`]],
    [GOOD, [`pi-lab:passwords: is text, not a mapping. Set each user's: ${set("NAME")}.`]],
    [
      { bob: GOOD, ann: GOOD },
      [
        "pi-lab:passwords.ann: is given, and the stack makes one. Write `password: config` below lab.users.ann, or remove it.",
      ],
    ],
    [
      { bob: GOOD, bop: GOOD },
      [
        "pi-lab:passwords.bop: is of nobody in lab.users. Did you mean bob? Remove it: `pulumi config rm --path 'pi-lab:passwords.bop'`.",
      ],
    ],
    [
      { bob: "hunter2" },
      [
        `pi-lab:passwords.bob: is no password that all clients can send: those have at least 12 letters, digits and signs of ASCII, without blanks. Set another: ${set("bob")}.`,
      ],
    ],
    [
      { bob: 123456789012 },
      [`pi-lab:passwords.bob: is a number, not text. Set it again, in quotes: ${set("bob")}.`],
    ],
    [{ bob: {} }, [`pi-lab:passwords.bob: is empty. Set one: ${set("bob")}.`]],
    [
      { bob: { "SCRAM-SHA-256": "hunter2" } },
      [
        `pi-lab:passwords.bob.SCRAM-SHA-256: is no password that all clients can send: those have at least 12 letters, digits and signs of ASCII, without blanks. Set another: ${set("bob.SCRAM-SHA-256")}.`,
      ],
    ],
    [
      { bob: { PLAIN: GOOD } },
      [
        "pi-lab:passwords.bob.PLAIN: is not a mechanism that users log in with. Known: SCRAM-SHA-512, SCRAM-SHA-256.",
      ],
    ],
  ])("%j", (raw, lines) => {
    const problems = passwordProblems(lab, raw);
    expect(problems.map(describeProblem)).toEqual(lines);
    expect(JSON.stringify(problems)).not.toMatch(/correct-horse|hunter2|123456789012/);
  });

  it("are asked for by a path that the engine takes, whatever the name has in it", () => {
    const dotted = { users: { "bob.b": { password: "config" as const } } };
    expect(passwordProblems(dotted, {}).map(describeProblem)).toEqual([
      `pi-lab:passwords["bob.b"]: is missing. Set it: \`pulumi config set --secret --path 'pi-lab:passwords["bob.b"]'\`.`,
    ]);
  });

  it("are refused and not repeated where the key holds something else", () => {
    expect(parsePasswords(undefined)).toBeUndefined();
    expect(parsePasswords(JSON.stringify({ bob: GOOD }))).toEqual({ bob: GOOD });
    const problems = passwordProblems(lab, parsePasswords("hunter2, or so"));
    expect(problems.map(describeProblem)).toEqual([
      expect.stringMatching(/^pi-lab:passwords: is text, not a mapping\./),
    ]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  it("are by mechanism, SCRAM-SHA-512 where none is named", () => {
    expect(readPasswords({ bob: GOOD, eve: { "SCRAM-SHA-256": GOOD } })).toEqual({
      bob: { "SCRAM-SHA-512": GOOD },
      eve: { "SCRAM-SHA-256": GOOD },
    });
    expect(readPasswords(undefined)).toEqual({});
  });

  it("are told with all other mistakes", () => {
    const config = change(securedConfig(), ["colour"], "red");
    expect(() => parseLab(config, (draft) => passwordProblems(draft, undefined))).toThrow(
      /2 problems[^]*lab\.colour[^]*passwords\.bob: is missing/,
    );
  });
});
