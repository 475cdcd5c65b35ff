import type { Ground } from "../ground";
import { anotherRoll, finish, UP_MS } from "../kill/anywhere";
import { momentOf } from "../kill/points";
import { userUp } from "../kill/user-up";
import type { Trial } from "../trial";

/** A roll that went on would restart two more brokers meanwhile, each in about twenty seconds. */
const ALONE_MS = 90_000;

/** systemd has made its unit anew by then, where it was told to just before the kill. */
const SETTLE_MS = 3000;

/** Which start of its broker each host is at. */
async function starts(ground: Ground): Promise<Map<string, string>> {
  const found = ground
    .brokerPis()
    .map(async (pi): Promise<[string, string]> => [pi.host.name, (await pi.unit()).invocation]);
  return new Map(await Promise.all(found));
}

/** The hosts whose broker was started between two looks. */
function startedBetween(
  first: ReadonlyMap<string, string>,
  then: ReadonlyMap<string, string>,
): string[] {
  return [...then.keys()].filter((name) => then.get(name) !== first.get(name));
}

/** What an engine leaves that dies in a roll must restart no further broker. */
export const orphans: readonly Trial[] = [
  {
    name: "orphans",
    title: `the engine killed at a roll's first restart, nothing done for ${ALONE_MS / 1000} s, then \`up\``,
    befall: async (ground) => {
      const standing = await starts(ground);
      anotherRoll(ground);
      const { folder } = ground.own;
      const { exitCode, timedOut, output } = await userUp(folder, {
        killAt: (event) => /, waiting for .* to serve$/.test(momentOf(event) ?? ""),
        deadlineMs: UP_MS,
        signal: ground.signal,
      });
      if (exitCode !== undefined || timedOut) {
        throw new Error(`the roll was not killed at its first restart:\n${output}`);
      }
      await ground.hold(SETTLE_MS);
      const before = await starts(ground);
      const begun = startedBetween(standing, before);
      // A roll that is killed before or behind all its restarts has none left to be tempted by.
      if (begun.length !== 1) {
        throw new Error(
          `the roll was to be killed at its first restart, and had restarted ${begun.join(" and ") || "none"}`,
        );
      }
      await ground.hold(ALONE_MS);
      const restarted = startedBetween(before, await starts(ground));
      if (restarted.length > 0) {
        throw new Error(`${restarted.join(" and ")} restarted after the engine had died`);
      }
      await finish(ground, {});
    },
  },
];
