import type { Measuring } from "./measuring";
import { ansible } from "./parts/ansible";
import { bridge } from "./parts/bridge";
import { drift } from "./parts/drift";
import { roll } from "./parts/roll";
import { sixHosts } from "./parts/six-hosts";
import { swap } from "./parts/swap";
import { threeHosts } from "./parts/three-hosts";
import { topics } from "./parts/topics";
import type { StepTime } from "./timeline";

export const parts = [
  "cold",
  "preview",
  "up",
  "topic",
  "six",
  "drift",
  "swap",
  "roll",
  "ansible",
  "topics",
  "bridge",
] as const;
export type Part = (typeof parts)[number];

/**
 * One run of the benchmark: brings labs up and down, one at a time, and notes how long that takes. A part
 * that fails is noted, and the others are measured all the same.
 * @returns the steps of the last cold `up` of three hosts; none where it was not measured
 * @throws Interrupted
 */
export async function measureAll(
  measuring: Measuring,
  only: ReadonlySet<Part>,
): Promise<readonly StepTime[]> {
  const has = (part: Part): boolean => only.has(part);
  const part = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    measuring.options.log(`\n${name}`);
    const result = await measuring.trying(name, work);
    await measuring.trying(`${name}: tidying up`, () => measuring.clear());
    return result;
  };
  let timeline: readonly StepTime[] | undefined;
  const asked = { cold: has("cold"), preview: has("preview"), up: has("up"), topic: has("topic") };
  if (Object.values(asked).includes(true)) {
    timeline = await part("three hosts", () => threeHosts(measuring, asked));
  }
  if (has("six")) await part("six hosts", () => sixHosts(measuring));
  if (has("drift")) await part("drift", () => drift(measuring));
  if (has("swap")) await part("swap", () => swap(measuring));
  if (has("roll")) await part("roll", () => roll(measuring));
  if (has("ansible")) await part("ansible", () => ansible(measuring));
  if (has("topics")) await part("topics", () => topics(measuring));
  if (has("bridge")) await part("bridge", () => bridge(measuring));
  return timeline ?? [];
}
