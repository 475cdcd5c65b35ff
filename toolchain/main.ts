import {
  bundlePlugins,
  ensureAll,
  ensureChromium,
  ensureDocker,
  ensureJava,
  ensureJmxAgent,
  ensureKafka,
  ensureNode,
  ensurePiImage,
  ensurePulumi,
  ToolchainError,
  nodeArchHere,
  type Log,
  type NodeArch,
} from "./index";

const usage =
  "Usage: npm run setup -- [all|pulumi|plugins|docker|image|kafka [VERSION]|node [arm64|x64]|jmx]   (default: all)";

/** Words that may follow a part, and get another one of it. */
const ARGUMENTS: Readonly<Record<string, RegExp>> = {
  kafka: /^\d+\.\d+\.\d+$/,
  node: /^(arm64|x64)$/,
};

/** What each word of the command line gets, and what it prints when that is there. */
const parts: Readonly<Record<string, (log: Log, argument?: string) => Promise<string>>> = {
  all: async (log) => {
    const tools = await ensureAll(log);
    return [
      `Pulumi ${tools.pulumi.version}: ${tools.pulumi.bin}`,
      `Docker: ${tools.docker.host}`,
      `Image: ${tools.piImage}`,
      `Kafka: ${tools.kafka}`,
      `Node.js of the hosts: ${tools.node}`,
    ].join("\n");
  },
  pulumi: async (log) => {
    const pulumi = await ensurePulumi(log);
    const variables = Object.entries(pulumi.env).map(([name, value]) => `${name}=${value}`);
    return [`Pulumi ${pulumi.version}: ${pulumi.bin}`, ...variables].join("\n");
  },
  plugins: async (log) => (await bundlePlugins(log)).map(({ folder }) => folder).join("\n"),
  docker: async (log) => `Docker: ${(await ensureDocker(log)).host}`,
  image: async (log) => `Image: ${await ensurePiImage(log)}`,
  kafka: async (log, version) => `Kafka: ${await ensureKafka(log, version)}`,
  node: async (log, arch = nodeArchHere()) =>
    `Node.js of the hosts: ${await ensureNode(log, arch as NodeArch)}`,
  jmx: async (log) => `JMX agent: ${await ensureJmxAgent(log)}`,
  java: async (log) => `Java: ${await ensureJava(log)}`,
  chromium: async (log) => `Chromium: ${await ensureChromium(log)}`,
};

async function main(words: readonly string[]): Promise<void> {
  const wanted = words.length === 0 ? ["all"] : words;
  const isArgument = (word: string, i: number): boolean =>
    ARGUMENTS[wanted[i - 1] ?? ""]?.test(word) ?? false;
  const unknown = wanted.filter((word, i) => !Object.hasOwn(parts, word) && !isArgument(word, i));
  if (unknown.length > 0) throw new ToolchainError(`Unknown: ${unknown.join(", ")}`, usage);
  const log: Log = (line) => console.error(line);
  for (const [i, word] of wanted.entries()) {
    if (isArgument(word, i)) continue;
    const next = wanted[i + 1];
    const argument = next !== undefined && isArgument(next, i + 1) ? next : undefined;
    console.log(await parts[word]!(log, argument));
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // A stack is for bugs; what the machine lacks is told in two lines.
  console.error(error instanceof ToolchainError ? error.message : error);
  process.exitCode = 1;
});
