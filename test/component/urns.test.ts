import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLab } from "../../components/lab";
import { parseLab } from "../../model";
import { labValue, parseStackFile } from "../../scripts/lib/lab-config";
import { hostKey, type RawConfig } from "../support/lab-config";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram, type RecordedResource } from "../support/recorded";

/**
 * Every resource that a template's stack has, by type and name, as users' states have them. The engine
 * takes a resource under another type, name or parent for a new one, and deletes the old: a broker's
 * storage, a container, a topic. So a line leaves these lists only if nothing is lost with it.
 */

const root = join(__dirname, "../..");

const goldenFile = (template: string): string => join(__dirname, "golden", `urns-${template}.txt`);

function templateLab(template: string): RawConfig {
  const file = join(root, `Pulumi.${template}.yaml`);
  const lab = labValue(parseStackFile(readFileSync(file, "utf8"), file)) as RawConfig;
  if (template === "pi-lab") {
    Object.values(lab["machines"] as Record<string, RawConfig>).forEach((machine, i) => {
      machine["hostKey"] = hostKey(i + 1);
    });
  }
  return lab;
}

const resourcesOf = async (lab: RawConfig): Promise<readonly RecordedResource[]> =>
  (await RecordedProgram.of(() => createLab(parseLab(lab), localInputs))).resources.filter(
    ({ type }) => type !== "pulumi:pulumi:Stack",
  );

/** What a state that has these resources would lose, and what it has not: each with what is to be done. */
function differences(
  known: readonly string[],
  made: readonly Pick<RecordedResource, "urn" | "formerUrns">[],
): string[] {
  const reached = new Set(made.flatMap(({ urn, formerUrns }) => [urn, ...formerUrns]));
  const lost = known.filter((urn) => !reached.has(urn));
  const unknown = made.map(({ urn }) => urn).filter((urn) => !known.includes(urn));
  return [
    ...lost.map(
      (urn) =>
        `${urn}: users' stacks have it, and would delete it now. Give the resource that takes its place ` +
        "`aliases` with the former name or type (see components/lab.ts); the line stays in the list.",
    ),
    ...unknown.map(
      (urn) =>
        `${urn}: it is new. Add the line to the list, so that its name is kept from now on: ` +
        "UPDATE_GOLDEN=1 adds what is new, and takes nothing away.",
    ),
  ];
}

describe.each(["virtual", "pi-lab"])("the stack of the template %s", (template) => {
  const file = goldenFile(template);
  const listed = (): string[] => readFileSync(file, "utf8").trimEnd().split("\n");

  it("has each resource under the name that users' states have for it", async () => {
    const made = await resourcesOf(templateLab(template));
    if (process.env["UPDATE_GOLDEN"] === "1") {
      const all = [
        ...new Set([...(existsSync(file) ? listed() : []), ...made.map(({ urn }) => urn)]),
      ];
      writeFileSync(file, `${all.sort().join("\n")}\n`);
    }
    expect(differences(listed(), made)).toEqual([]);
  });

  it("finds all that it has after a host of each role was renamed, and makes nothing beside it", async () => {
    const lab = templateLab(template);
    const hosts = lab["hosts"] as Record<string, RawConfig>;
    const rename = (from: string, to: string, ...earlier: string[]): void => {
      hosts[to] = { ...hosts[from], formerNames: [...earlier, from] };
      delete hosts[from];
    };
    rename("broker-3", "kafka-3", "node-c");
    rename("client-1", "ring-1");
    const made = await resourcesOf(lab);
    const lost = differences(listed(), made).filter((line) => !line.includes(": it is new"));
    expect(lost).toEqual([]);
    expect(made).toHaveLength(listed().length);
    // What is kept by host's name inside a resource follows too.
    for (const type of [
      "lab/swapGate:SwapGate",
      "lab/preflight:Preflight",
      "lab/leftMachines:LeftMachines",
      "kafka/rollout:Rollout",
    ]) {
      expect(made.find((one) => one.type === `pilab:${type}`)?.inputs["formerNames"]).toEqual({
        "kafka-3": ["node-c", "broker-3"],
        "ring-1": ["client-1"],
      });
    }
    expect(made.map(({ name }) => name)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(broker-3|client-1)/)]),
    );
  });
});

it("tells a resource under another name what to do about it", () => {
  const made = (urn: string, formerUrns: string[] = []) => ({ urn, formerUrns });
  expect(differences(["a::one"], [made("a::two")])).toEqual([
    expect.stringMatching(/^a::one: users' stacks have it, .* `aliases`/),
    expect.stringMatching(/^a::two: it is new\. Add the line/),
  ]);
  expect(differences(["a::one", "a::two"], [made("a::two", ["a::one"])])).toEqual([]);
});
