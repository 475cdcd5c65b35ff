import { runProgram } from "../lib/program";
import { alertingConfig } from "./config";
import { startAlerting } from "./program";

// systemd sets it to the folder that it makes for the unit.
const stateFolder = process.env["STATE_DIRECTORY"] ?? "/var/lib/pi-lab-alerting";

void runProgram({
  name: "alerting",
  config: alertingConfig,
  start: (config, ground) => startAlerting(config, ground, stateFolder),
});
