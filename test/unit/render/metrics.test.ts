import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import {
  kafkaPaths,
  nodeFiles,
  nodeWant,
  pushedAgentPath,
  renderAgentScript,
  renderKafkaEnv,
} from "../../../render";
import { renderMetricsRules } from "../../../render/metrics-rules";
import { expectGolden } from "../../support/golden";
import { brokerFixture, labFixture } from "../../support/lab-fixture";

const plain = labFixture();
const asked = labFixture({ cluster: { ...plain.cluster, metrics: true } });
const broker = brokerFixture(asked, 1);
const { agent, metrics } = kafkaPaths;

test("metrics.yaml is as approved, and names no figure twice", () => {
  expectGolden("unit/render/golden/metrics.yaml", renderMetricsRules());
  const { rules } = parse(renderMetricsRules()) as { rules: { name: string; pattern: string }[] };
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  // As the agent writes an MBean; its patterns may begin and end anywhere.
  const topic = "kafka.server<type=BrokerTopicMetrics, name=BytesInPerSec, topic=red><>Count: 7";
  const first = rules.find(({ pattern }) => new RegExp(pattern).test(topic));
  expect(first?.name).toBe("kafka_topic_bytes_in_total");
});

test("a lab that asks for figures starts its nodes with the agent, on their own address", () => {
  expect(renderKafkaEnv(asked, broker)).toContain(
    ` -javaagent:${agent}=10.0.42.1:7071:${metrics}\n`,
  );
  expect(nodeFiles(asked, broker).map(({ path }) => path)).toContain(metrics);
  expect(Object.keys(nodeWant(asked, broker).files)).toContain(metrics);
});

test("one that does not is as it was: nothing restarts", () => {
  expect(renderKafkaEnv(plain, broker)).not.toContain("javaagent");
  expect(nodeFiles(plain, broker).map(({ path }) => path)).not.toContain(metrics);
});

describe("the agent's script", () => {
  let root: string;
  const jar = "the jar";
  const sum = createHash("sha256").update(jar).digest("hex");
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pi-lab-agent-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** Runs it with its paths below a folder of the test's. */
  function run(): string {
    const script = renderAgentScript(sum)
      .replaceAll(agent, join(root, "agents/agent.jar"))
      .replaceAll(pushedAgentPath, join(root, "pushed.jar"))
      .replace(/^ {2}take_turn 60$/m, "");
    return execFileSync("bash", ["-s"], { input: script, encoding: "utf8", stdio: "pipe" });
  }

  test("puts it in its place, once, and takes the copy away", () => {
    writeFileSync(join(root, "pushed.jar"), jar);
    expect(run()).toBe("installed agent.jar\n");
    expect(readFileSync(join(root, "agents/agent.jar"), "utf8")).toBe(jar);
    // Again, without a copy.
    expect(run()).toBe("installed agent.jar\n");
  });

  test("refuses one that is absent or corrupt, and leaves nothing of it", () => {
    expect(run).toThrow(/is not there/);
    writeFileSync(join(root, "pushed.jar"), "another");
    expect(run).toThrow(/is corrupt/);
  });
});
