import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentOf, runEngine } from "../../../scripts/lib/engine";
import { labFolder } from "../../../scripts/lib/lab-folder";

const PROGRAM_START = join(process.cwd(), "scripts/lib/program-start.cjs");

const folder = labFolder("virtual", "/labs");
const engine = { bin: "pulumi", env: { PATH: "/engine", PULUMI_HOME: "/cache/home" } };

test("nothing of the user's own Pulumi beats the lab's passphrase, backend, stack or plugins", () => {
  const environment = environmentOf(
    folder,
    engine,
    { PI_LAB_RUN: "r" },
    {
      HOME: "/home/ada",
      NODE_OPTIONS: "--max-old-space-size=4096",
      PATH: "/bin",
      PULUMI_ACCESS_TOKEN: "pul-1",
      PULUMI_BACKEND_URL: "s3://theirs",
      PULUMI_CONFIG_PASSPHRASE: "theirs",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/theirs",
      PULUMI_DIY_BACKEND_GZIP: "true",
      PULUMI_DIY_BACKEND_LEGACY_LAYOUT: "true",
      PULUMI_HOME: "/home/ada/.pulumi",
      PULUMI_PARALLEL: "4",
      PULUMI_STACK: "theirs",
    },
  );
  expect(environment).toEqual({
    HOME: "/home/ada",
    NODE_OPTIONS: `--max-old-space-size=4096 --require="${PROGRAM_START}"`,
    PATH: "/engine",
    PI_LAB_RUN: "r",
    PULUMI_BACKEND_URL: folder.backendUrl,
    PULUMI_CONFIG_PASSPHRASE_FILE: folder.passphraseFile,
    PULUMI_HOME: "/cache/home",
    PULUMI_PARALLEL: "4",
    PULUMI_STACK: "virtual",
  });
});

describe("a run of an engine", () => {
  let base: string;
  beforeEach(() => (base = mkdtempSync(join(tmpdir(), "pi-lab-engine-"))));
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  /** A stand-in that cancels at once when it is asked to. */
  async function runStandIn(script: string, deadlineMs?: number) {
    const bin = join(base, "engine");
    writeFileSync(bin, `#!/bin/sh\n${script}\n`);
    chmodSync(bin, 0o755);
    const own = labFolder("virtual", base);
    mkdirSync(own.dir);
    const lines: string[] = [];
    const log = (line: string): number => lines.push(line);
    const run = await runEngine(own, { bin, env: {} }, ["up", "--json"], { log, deadlineMs });
    return { run, lines };
  }

  test("that exceeds its deadline is cancelled, and this process is not told to stop", async () => {
    let told = 0;
    const count = (): number => (told += 1);
    process.on("SIGINT", count);
    const waits = "trap 'echo cancelled; exit 3' INT; while :; do sleep 0.05; done";
    const { run, lines } = await runStandIn(waits, 1000).finally(() =>
      process.off("SIGINT", count),
    );
    expect(run).toMatchObject({ exitCode: 3, timedOut: true, interrupted: false });
    expect(told).toBe(0);
    expect(lines).toEqual(["The engine is not done after 1 s: it is told to cancel.", "cancelled"]);
  });

  test("that ends in time is not", async () => {
    const { run } = await runStandIn("exit 0", 60_000);
    expect(run).toMatchObject({ exitCode: 0, timedOut: false, interrupted: false });
  });
});
