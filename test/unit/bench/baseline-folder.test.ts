import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderLabEnv, writeBaselineFolder } from "../../../bench/baseline-folder";
import { nodeFiles } from "../../../render";
import { brokerFixture, labFixture } from "../../support/lab-fixture";

const inputs = {
  privateKeyFile: "/keys/with a blank/id",
  image: "pi:1",
  archive: "/cache/kafka.tgz",
  archiveSha256: "00ff",
};

/** What bash makes of a word after reading `lab.env`. */
function inBash(text: string, word: string): string {
  return execFileSync("bash", ["-euc", `${text}\nprintf %s "${word}"`], { encoding: "utf8" });
}

describe("renderLabEnv", () => {
  const lab = labFixture();
  const topic = { ...lab.topics[0]!, partitions: 3, config: { "retention.ms": "1000" } };
  const text = renderLabEnv({ ...lab, topics: [topic] }, inputs);

  it("names the brokers and nothing of the other hosts", () => {
    expect(inBash(text, "${hosts[*]}")).toBe("broker-1 broker-2 broker-3");
  });

  it("gives each broker's address, memory and node id by its name", () => {
    expect(inBash(text, "${address[broker-2]} ${memory[broker-2]} ${node_id[broker-2]}")).toBe(
      "10.0.42.2 8192 2",
    );
  });

  it("gives each topic the arguments of kafka-topics.sh", () => {
    expect(inBash(text, "${topics[*]}: ${topic_args[red]}")).toBe(
      "red: --partitions 3 --replication-factor 3 --config retention.ms=1000",
    );
  });

  it("keeps blanks and quotes in values", () => {
    expect(inBash(text, "$ssh_key")).toBe("/keys/with a blank/id");
    expect(inBash(renderLabEnv(lab, { ...inputs, image: "a'b" }), "$image")).toBe("a'b");
  });
});

describe("writeBaselineFolder", () => {
  const folder = mkdtempSync(join(tmpdir(), "baseline-folder-"));
  const lab = labFixture();
  const at = (path: string): string => join(folder, "broker-2", path);
  beforeAll(() => writeBaselineFolder(folder, lab, inputs));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("lays out the files that the stack would stage", () => {
    for (const entry of nodeFiles(lab, brokerFixture(lab, 2))) {
      if (entry.kind === "file") expect(readFileSync(at(entry.path), "utf8")).toBe(entry.content);
      else expect(readlinkSync(at(entry.path))).toBe(entry.target);
    }
  });

  it("keeps the helper programs executable and other files not", () => {
    expect(statSync(at("/usr/local/lib/pi-lab/stamp")).mode & 0o777).toBe(0o755);
    expect(statSync(at("/etc/kafka/server.properties")).mode & 0o777).toBe(0o644);
    expect(lstatSync(at("/opt/kafka/current")).isSymbolicLink()).toBe(true);
  });

  it("lists the staged files with their sums, as the unit's start checks them", () => {
    const lines = readFileSync(at("/etc/kafka/manifest"), "utf8").trimEnd().split("\n");
    const properties = readFileSync(at("/etc/kafka/server.properties"));
    const sum = createHash("sha256").update(properties).digest("hex");
    expect(lines).toContain(`${sum}  /etc/kafka/server.properties`);
    expect(lines.at(-1)).toMatch(/^bundle [0-9a-f]{64}$/);
  });
});
