import type { SinkConfig } from "../../model";
import { runProgram, type Ground, type Running } from "../lib/program";
import { sinkConfig } from "./config";
import { startSink } from "./sink";

void runProgram<SinkConfig>({
  name: "sink",
  config: sinkConfig,
  start: (config: SinkConfig, ground: Ground): Promise<Running> =>
    Promise.resolve(startSink(config, ground)),
});
