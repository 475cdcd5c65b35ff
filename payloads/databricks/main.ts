import type { DatabricksConfig } from "../../model";
import { KafkaConsumer } from "../lib/kafka";
import { runProgram, type Ground, type Running } from "../lib/program";
import { databricksConfig } from "./config";
import { startDatabricks } from "./databricks";

void runProgram<DatabricksConfig>({
  name: "databricks",
  config: databricksConfig,
  start: (config: DatabricksConfig, ground: Ground): Promise<Running> => {
    const { topics, everySeconds, batchKib } = config;
    const gather = { bytes: batchKib * 1024, waitMs: everySeconds * 1000 };
    const options = { group: "pi-lab-databricks", topics, from: "earliest", gather } as const;
    const source = new KafkaConsumer(config.kafka, options, ground.log);
    // systemd starts it again, and it goes on from what was committed.
    const onEnd = () => process.exit(1);
    return Promise.resolve(startDatabricks(config, ground, source, { onEnd }));
  },
});
