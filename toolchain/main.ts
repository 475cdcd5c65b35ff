import {
  bundlePlugins,
  ensureAll,
  ensureDocker,
  ensureJava,
  ensureKafka,
  ensurePiImage,
  ensurePulumi,
  ToolchainError,
  type Log,
} from "./index";

const usage =
  "Usage: npm run setup -- [all|pulumi|plugins|docker|image|kafka [VERSION]]   (default: all)";

const VERSION = /^\d+\.\d+\.\d+$/;

/** What each word of the command line gets, and what it prints when that is there. */
const parts: Readonly<Record<string, (log: Log) => Promise<string>>> = {
  all: async (log) => {
    const tools = await ensureAll(log);
    return [
      `Pulumi ${tools.pulumi.version}: ${tools.pulumi.bin}`,
      `Docker: ${tools.docker.host}`,
      `Image: ${tools.piImage}`,
      `Kafka: ${tools.kafka}`,
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
  kafka: async (log) => `Kafka: ${await ensureKafka(log)}`,
  java: async (log) => `Java: ${await ensureJava(log)}`,
};

async function main(words: readonly string[]): Promise<void> {
  const wanted = words.length === 0 ? ["all"] : words;
  const isVersion = (word: string, i: number): boolean =>
    VERSION.test(word) && wanted[i - 1] === "kafka";
  const unknown = wanted.filter((word, i) => !Object.hasOwn(parts, word) && !isVersion(word, i));
  if (unknown.length > 0) throw new ToolchainError(`Unknown: ${unknown.join(", ")}`, usage);
  const log: Log = (line) => console.error(line);
  for (const [i, word] of wanted.entries()) {
    const next = wanted[i + 1];
    if (isVersion(word, i)) continue;
    const isKafkaVersion = word === "kafka" && next !== undefined && VERSION.test(next);
    console.log(
      isKafkaVersion ? `Kafka: ${await ensureKafka(log, next)}` : await parts[word]!(log),
    );
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // A stack is for bugs; what the machine lacks is told in two lines.
  console.error(error instanceof ToolchainError ? error.message : error);
  process.exitCode = 1;
});
