import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localProblems, readLocalInputs } from "../../../components/local-inputs";
import { ConfigError, NODE_VERSION, parseLab } from "../../../model";
import { cacheDir } from "../../../toolchain/paths";
import { physicalConfig } from "../../support/lab-config";
import { physicalLab, virtualLab } from "../../support/labs";

describe("readLocalInputs", () => {
  let root: string;
  const { PI_LAB_CACHE: cacheBefore, XDG_CACHE_HOME: xdgBefore } = process.env;
  const restore = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pi-lab-inputs-"));
    process.env.PI_LAB_CACHE = root;
    mkdirSync(join(root, "kafka"));
    writeFileSync(join(root, "kafka", "kafka-4.1.1.tgz"), "archive");
    writeFileSync(join(root, "kafka", "kafka-4.1.1.tgz.sha256"), "0a0b  kafka-4.1.1.tgz\n");
    mkdirSync(join(root, "node"));
    for (const arch of ["arm64", process.arch]) {
      const archive = join(root, "node", `node-${NODE_VERSION}-linux-${arch}.tgz`);
      writeFileSync(archive, "node");
      writeFileSync(`${archive}.sha256`, `${arch}  node.tgz\n`);
    }
    mkdirSync(join(root, "bin/programs"), { recursive: true });
    writeFileSync(join(root, "bin/programs/ring.js"), "ring");
    writeFileSync(join(root, "key"), "PRIVATE\n");
    writeFileSync(join(root, "key.pub"), "ssh-ed25519 AAAA user\n");
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
    restore("PI_LAB_CACHE", cacheBefore);
    restore("XDG_CACHE_HOME", xdgBefore);
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
      programs: {
        node: {
          path: join(root, "node", `node-${NODE_VERSION}-linux-${process.arch}.tgz`),
          sha256: process.arch,
        },
        files: {
          ring: {
            path: join(root, "bin/programs/ring.js"),
            sha256: createHash("sha256").update("ring").digest("hex"),
          },
        },
      },
    });
  });

  it("takes the Node.js of Pis for real ones, and no programs where none runs", () => {
    const lab = physicalLab();
    expect(readLocalInputs(lab, root).programs?.node.sha256).toBe("arm64");
    const hosts = lab.hosts.filter(({ role }) => role !== "client");
    expect(readLocalInputs({ ...lab, hosts }, root)).not.toHaveProperty("programs");
  });

  it("says which command brings what programs on hosts need", () => {
    rmSync(join(root, "node", `node-${NODE_VERSION}-linux-arm64.tgz`));
    rmSync(join(root, "bin/programs/ring.js"));
    expect(problemsOf(physicalLab())).toEqual([
      "lab.hosts undefined Fetch it with `npm run setup -- node arm64`.",
      "lab.hosts undefined Make it with `npm run setup -- plugins`.",
    ]);
    const raw = { ...physicalConfig(), telemetry: {}, mqtt: { host: "broker-1" } };
    const told = (): string[] => {
      try {
        parseLab(raw, (draft) => localProblems(draft, root));
        return [];
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.problems.map(({ path, cause }) => `${path} ${cause}`);
      }
    };
    expect(told()).toContainEqual(
      `lab.telemetry needs the program telemetry on hosts, which is not made yet (${root}/bin/programs/telemetry.js is missing)`,
    );
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

  it("tells what is missing together with the configuration's own mistakes", () => {
    rmSync(join(root, "kafka", "kafka-4.1.1.tgz"));
    const raw = {
      name: "Not A Name",
      virtual: {},
      ssh: { privateKeyPath: "lost", port: "none" },
      cluster: { kafkaVersion: "4.1.1", replicationFactor: "many" },
    };
    const problems = (value: unknown): string[] => {
      try {
        parseLab(value, (draft) => localProblems(draft, root));
        return [];
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.problems.map(({ path, cause }) => `${path} ${cause}`);
      }
    };
    const told = problems(raw);
    expect(told.filter((text) => text.includes("cannot be read"))).toHaveLength(2);
    expect(told).toContainEqual(expect.stringContaining("lab.cluster.kafkaVersion is not on this"));
    expect(told).toContainEqual(expect.stringContaining("lab.cluster.replicationFactor"));
    expect(told).toContainEqual(expect.stringContaining("lab.name"));
    // What is wrong by itself, or is not there, is not looked for on the disk.
    const wrong = problems({ ...raw, ssh: { privateKeyPath: 7 }, cluster: { kafkaVersion: "1" } });
    expect(wrong.filter((text) => /cannot be read|not on this machine/.test(text))).toEqual([]);
  });

  it("looks where the toolchain puts it, also where a variable is set to nothing", () => {
    mkdirSync(join(root, "pi-lab"));
    renameSync(join(root, "kafka"), join(root, "pi-lab", "kafka"));
    renameSync(join(root, "node"), join(root, "pi-lab", "node"));
    process.env.PI_LAB_CACHE = "";
    process.env.XDG_CACHE_HOME = root;
    const { archive } = readLocalInputs(physicalLab(), root);
    expect(archive.path).toBe(join(cacheDir(), "kafka", "kafka-4.1.1.tgz"));
  });

  it("misses an archive whose checksum is missing", () => {
    rmSync(join(root, "kafka", "kafka-4.1.1.tgz.sha256"));
    expect(problemsOf(physicalLab())).toEqual([
      "lab.cluster.kafkaVersion 4.1.1 Fetch it with `npm run setup -- kafka 4.1.1`.",
    ]);
  });
});
