import { runProgram } from "../lib/program";
import { telemetryProgram } from "./telemetry";

void runProgram(telemetryProgram());
