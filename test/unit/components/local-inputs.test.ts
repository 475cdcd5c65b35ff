import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLocalInputs } from "../../../components/local-inputs";
import { ConfigError } from "../../../model";
import { physicalLab, virtualLab } from "../../support/labs";

describe("readLocalInputs", () => {
  let root: string;
  const cacheBefore = process.env.PI_LAB_CACHE;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pi-lab-inputs-"));
    process.env.PI_LAB_CACHE = root;
    mkdirSync(join(root, "kafka"));
    writeFileSync(join(root, "kafka", "kafka-4.1.1.tgz"), "archive");
    writeFileSync(join(root, "kafka", "kafka-4.1.1.tgz.sha256"), "0a0b  kafka-4.1.1.tgz\n");
    writeFileSync(join(root, "key"), "PRIVATE\n");
    writeFileSync(join(root, "key.pub"), "ssh-ed25519 AAAA user\n");
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
    if (cacheBefore === undefined) delete process.env.PI_LAB_CACHE;
    else process.env.PI_LAB_CACHE = cacheBefore;
  });

  const problemsOf = (lab: Parameters<typeof readLocalInputs>[0]): string[] => {
    try {
      readLocalInputs(lab, root);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ path, value, remedy }) => `${path} ${value} ${remedy}`);
    }
  };

  it("reads the key from the stack's folder, and its public half for virtual machines", () => {
    expect(readLocalInputs(virtualLab(), root)).toEqual({
      access: { privateKey: "PRIVATE\n", authorizedKey: "ssh-ed25519 AAAA user" },
      archive: { path: join(root, "kafka", "kafka-4.1.1.tgz"), sha256: "0a0b" },
    });
  });

  it("needs no key where the agent is asked", () => {
    expect(readLocalInputs(physicalLab(), root).access).toEqual({
      privateKey: undefined,
      authorizedKey: undefined,
    });
  });

  it("tells all that is missing at once, each with its remedy", () => {
    rmSync(join(root, "key"));
    rmSync(join(root, "kafka", "kafka-4.1.1.tgz"));
    const problems = problemsOf(virtualLab());
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain("npm run setup -- kafka 4.1.1");
    expect(problems[1]).toContain(join(root, "key"));
  });

  it("misses an archive whose checksum is missing", () => {
    rmSync(join(root, "kafka", "kafka-4.1.1.tgz.sha256"));
    expect(problemsOf(physicalLab())).toEqual([
      "lab.cluster.kafkaVersion 4.1.1 Fetch it with `npm run setup -- kafka 4.1.1`.",
    ]);
  });
});
