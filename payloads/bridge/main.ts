import type { BridgeConfig } from "../../model";
import { KafkaProducer } from "../lib/kafka";
import { runProgram, type Ground, type Running } from "../lib/program";
import { startBridge } from "./bridge";
import { bridgeConfig } from "./config";

void runProgram<BridgeConfig>({
  name: "bridge",
  config: bridgeConfig,
  start: (config: BridgeConfig, ground: Ground): Promise<Running> =>
    Promise.resolve(startBridge(config, ground, new KafkaProducer(config.kafka, ground.log))),
});
