import type { TopicWatch } from "./topic-watch";

/** Has the preferred replicas of these partitions lead, and returns once they do. */
export async function electPreferred(
  watch: TopicWatch,
  concerns: (partition: number) => boolean,
): Promise<void> {
  let asked = false;
  const what = `the preferred replicas of topic ${watch.topic} to lead`;
  await watch.waitPromptly(what, async () => {
    const led = (await watch.look()).partitions.filter(
      ({ partition, leader, replicas }) => concerns(partition) && replicas[0] !== leader,
    );
    if (led.length === 0) return { done: undefined };
    const inSync = led.filter(({ isr, replicas }) => isr.includes(replicas[0] ?? -1));
    if (inSync.length > 0 && !asked) {
      const partitions = inSync.map(({ partition }) => partition);
      await watch.admin.electPreferredLeaders(watch.topic, partitions);
      asked = inSync.length === led.length;
    }
    const shown = led.map(
      ({ partition, leader, replicas }) =>
        `partition ${partition} is led by ${leader}, not ${replicas[0] ?? "anyone"}`,
    );
    return { pending: shown.join("; ") };
  });
}
