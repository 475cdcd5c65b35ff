import * as fs from "node:fs";
import * as path from "node:path";

import { ensureProgram } from "./apt";
import { cached } from "./cache";
import { digestOf, isIntact } from "./download";
import { ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { cacheDir } from "./paths";
import { run } from "./process";
import { versions } from "./versions";

/**
 * Prometheus' agent that tells a JVM's figures, as `CACHE/jmx/jmx_prometheus_javaagent-VERSION.jar` with its
 * digest beside it. From Maven; its SHA-256 is pinned in versions.json.
 *
 * @returns the path of the jar
 */
export async function ensureJmxAgent(log: Log): Promise<string> {
  const { version, sha256 } = versions.jmxAgent;
  const name = `jmx_prometheus_javaagent-${version}.jar`;
  const jar = path.join(cacheDir(), "jmx", name);
  const title = `Fetching Prometheus' JMX agent ${version}`;
  // A damaged one would be pushed to every broker.
  return cached(log, { name: `jmx/${name}`, title, isWhole: isIntact }, (folder) =>
    step(log, title, async () => {
      const mvn = await ensureProgram(log, "mvn", ["maven"], "to fetch the JMX agent");
      const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}`;
      const args = [
        ...["-B", "-ntp", "--strict-checksums", `${plugin}:copy`],
        `-Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:${version}`,
        `-DoutputDirectory=${folder}`,
      ];
      await run(mvn, args, {
        timeoutMs: 10 * 60_000,
        cwd: folder,
        remedy: "See whether Maven reaches its repository, then run the command again.",
      });
      const fetched = path.join(folder, name);
      const found = await digestOf(fetched);
      if (found !== sha256) {
        throw new ToolchainError(
          `${name} from Maven is not the one that is pinned: its SHA-256 is ${found}, not ${sha256}`,
          "See which repository Maven asks (~/.m2/settings.xml); it serves something else under that name.",
        );
      }
      // The digest goes first: a file without one counts as damaged.
      fs.mkdirSync(path.dirname(jar), { recursive: true });
      fs.writeFileSync(`${jar}.sha256`, `${found}  ${name}\n`);
      return fetched;
    }),
  );
}
