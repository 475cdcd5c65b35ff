import { runProgram } from "../lib/program";
import { statusPageConfig } from "./config";
import { startStatusPage } from "./status-page";

void runProgram({ name: "status-page", config: statusPageConfig, start: startStatusPage });
