import { execFile } from "node:child_process";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { cacheDir, ensureJava, ensureKafka } from "../../../toolchain";

const run = promisify(execFile);

/** The Kafka distribution that the lab pushes, unpacked beside its archive; made once a machine. */
export async function kafkaHome(version = "4.1.1"): Promise<string> {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  await ensureJava(log);
  const archive = await ensureKafka(log, version);
  const home = join(cacheDir(), "kafka", `test-${version}`, `kafka-${version}`);
  if (await exists(home)) return home;
  // Two runs may unpack at once: each for itself, and the first to rename wins.
  const draft = join(cacheDir(), "kafka", `test-${version}`, `draft-${process.pid}`);
  await mkdir(draft, { recursive: true });
  await run("tar", ["-xzf", archive, "-C", draft]);
  await rename(join(draft, `kafka-${version}`), home).catch(async (error: unknown) => {
    if (!(await exists(home))) throw error;
  });
  await rm(draft, { recursive: true, force: true });
  return home;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
