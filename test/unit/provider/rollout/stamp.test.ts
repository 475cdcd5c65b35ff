import fc from "fast-check";

import { parseProperties } from "../../../../provider/rollout/properties";
import { parseManifest, parseProbe, parseWatch } from "../../../../provider/rollout/stamp";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("properties", () => {
  test("comments, separators, escapes and continued lines are Java's", () => {
    const text = [
      "# comment",
      "! another",
      "",
      "  plain=value",
      "colon : spaced  ",
      "blank value",
      "escaped\\ key\\=x=a\\tb\\u0041",
      "long=first,\\",
      "    second",
      "empty=",
      "trailing=back\\\\",
    ].join("\n");
    expect(parseProperties(text)).toEqual({
      plain: "value",
      colon: "spaced  ",
      blank: "value",
      "escaped key=x": "a\tbA",
      long: "first,second",
      empty: "",
      trailing: "back\\",
    });
  });

  test("whatever is written by Java's rules is read back", () => {
    const escape = (text: string): string =>
      text.replaceAll(/[\\=:# !\t\n\r\f]/g, (c) =>
        c === "\n"
          ? "\\n"
          : c === "\r"
            ? "\\r"
            : c === "\t"
              ? "\\t"
              : c === "\f"
                ? "\\f"
                : `\\${c}`,
      );
    const word = fc.string({ minLength: 1, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(fc.dictionary(word, word), (map) => {
        const text = Object.entries(map).map(([key, value]) => `${escape(key)}=${escape(value)}\n`);
        expect(parseProperties(text.join(""))).toEqual(map);
      }),
      { examples: [[Object.fromEntries([["__proto__", " "]])]] },
    );
  });
});

test("a manifest has the files' sums and the bundle's", () => {
  const text = "aa  /etc/kafka/kafka.env\nmissing  /etc/kafka/hosts\nbundle cc\n";
  expect(parseManifest(text)).toEqual({
    files: { "/etc/kafka/kafka.env": "aa", "/etc/kafka/hosts": "missing" },
    bundle: "cc",
  });
  expect(parseManifest("")).toEqual({ files: {} });
});

test("a probe of a running broker; cluster-level settings are no part of it", () => {
  const properties = base64("node.id=1\nmin.insync.replicas=2\n");
  const probe = parseProbe(
    [
      "ActiveState=active",
      "SubState=running",
      "MainPID=42",
      "NRestarts=1",
      `started.properties=${properties}`,
      `started.manifest=${base64("aa  /x\nbundle bb\n")}`,
      `started.version=${base64("4.1.1\n")}`,
      `staged.properties=${base64("node.id=2\n")}`,
      `staged.manifest=${base64("dd  /x\nbundle ee\n")}`,
      // As it is by now, whatever was staged.
      `staged.sums=${base64("ff  /x\n")}`,
      `staged.version=${base64("kafka-4.2.0\n")}`,
      `recorded=${base64("log.retention.ms=1\n")}`,
      "",
    ].join("\n"),
  );
  expect(probe).toEqual({
    unit: { active: "active", sub: "running", mainPid: 42, restarts: 1 },
    started: { properties: { "node.id": "1" }, files: { "/x": "aa" }, version: "4.1.1" },
    staged: { properties: { "node.id": "2" }, files: { "/x": "ff" }, version: "4.2.0" },
    stagedHash: "ee",
    recorded: new Map([["log.retention.ms", ["1"]]]),
  });
});

test("a probe of a blank host", () => {
  const probe = parseProbe(
    "ActiveState=inactive\nSubState=dead\nMainPID=0\nNRestarts=0\nstaged.version=\n",
  );
  expect(probe).toEqual({
    unit: { active: "inactive", sub: "dead", mainPid: 0, restarts: 0 },
    started: undefined,
    staged: undefined,
    stagedHash: undefined,
    recorded: new Map(),
  });
});

test("a watch has the journal's word on recovery", () => {
  const text =
    "ActiveState=active\nSubState=running\nMainPID=1\nNRestarts=0\nrecovery=Loaded a=b (3/9)\n";
  expect(parseWatch(text).recovery).toBe("Loaded a=b (3/9)");
  expect(parseWatch("ActiveState=active\n").recovery).toBe("");
});
