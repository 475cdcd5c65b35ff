/** Levels that brokers agree upon, and what they tell of their own release. */
import { METADATA_FEATURE, nameOfLevel, releaseOf } from "../../model/kafka/features";
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import { serverLimitMs } from "./connection";
import { assertOk } from "./kafka-link";
import type { Features } from "./port";
import { API_VERSIONS, apiVersions } from "./requests/api-versions";

const UPGRADE = 1;
/** The version of ApiVersions that tells of every feature. */
const ALL_FEATURES = 4;

export async function describeFeatures(brokers: Brokers): Promise<Features> {
  return brokers.any.read("tell its features", async (link, doing) => {
    const version = (await link.knows(API_VERSIONS, ALL_FEATURES)) ? ALL_FEATURES : 3;
    const { errorCode, supported, finalized } = await link.ask(await apiVersions(version));
    await assertOk(doing, link.server, errorCode, null);
    return {
      supported: Object.fromEntries(supported.map(({ name, min, max }) => [name, [min, max]])),
      finalized: Object.fromEntries(finalized.map(({ name, level }) => [name, level])),
    };
  });
}

export async function raiseFeature(
  brokers: Brokers,
  feature: string,
  level: number,
): Promise<void> {
  const { updateFeaturesV1 } = await loadClient();
  await brokers.any.write(`raise ${feature} to level ${level}`, async (link, doing) => {
    const update = { feature, maxVersionLevel: level, upgradeType: UPGRADE };
    const limitMs = serverLimitMs(brokers.options);
    const answer = await link.ask(updateFeaturesV1.api, limitMs, [update], false);
    // The feature's own words first: the answer's are "failed" and no more.
    for (const one of [...answer.results, answer]) {
      await assertOk(doing, link.server, one.errorCode, one.errorMessage);
    }
  });
}

export async function kafkaRelease(brokers: Brokers): Promise<string | undefined> {
  const { supported } = await describeFeatures(brokers);
  const newest = supported[METADATA_FEATURE]?.[1];
  return newest === undefined ? undefined : releaseOf(nameOfLevel(newest));
}
