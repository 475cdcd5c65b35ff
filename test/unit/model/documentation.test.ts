import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  boardNames,
  kafkaVersions,
  memoryBudget,
  OWNED_BROKER_KEYS,
  switchModels,
} from "../../../model";
import { configKeys } from "../../../model/shape";

const text = readFileSync(join(__dirname, "../../../docs/configuration.md"), "utf8");

/** First cells of the tables: keys in backticks. */
const rows = [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? "");

describe("docs/configuration.md", () => {
  it("has a row for each key of the configuration, and for no other", () => {
    const documented = rows.filter(
      (row) => configKeys().includes(row) || /^[a-z]+(\[\])?\./.test(row),
    );
    const owned = Object.keys(OWNED_BROKER_KEYS);
    expect(documented.filter((row) => !owned.includes(row)).sort()).toEqual(configKeys().sort());
  });

  it("has a row for each broker setting that the lab makes itself", () => {
    expect(rows).toEqual(expect.arrayContaining(Object.keys(OWNED_BROKER_KEYS)));
  });

  it("has each board with its greatest heap, each switch and each version of Kafka", () => {
    for (const board of boardNames) {
      const { boardMib, maxHeapMib } = memoryBudget(board);
      expect(text).toMatch(
        new RegExp(`^\\| \`${board}\` +\\| +${boardMib} +\\| +${maxHeapMib} +\\|`, "m"),
      );
    }
    for (const [model, { ports }] of Object.entries(switchModels)) {
      expect(text).toContain(`\`${model}\` (${ports} ports)`);
    }
    for (const version of kafkaVersions) expect(text).toContain(`\`${version}\``);
  });
});
