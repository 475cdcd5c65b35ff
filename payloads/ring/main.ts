import { runProgram } from "../lib/program";
import { ringConfig } from "./config";
import { isPress, press } from "./press";
import { startRing } from "./ring";

const args = process.argv.slice(2);
if (isPress(args)) {
  void press(args, (line) => process.stdout.write(`${line}\n`)).then((code) => {
    process.exitCode = code;
  });
} else {
  // systemd sets it to the folder that it makes for the unit.
  const runtimeFolder = process.env["RUNTIME_DIRECTORY"] ?? "/run/pi-lab-ring";
  void runProgram({
    name: "ring",
    config: ringConfig,
    start: (config, ground) => startRing(config, ground, runtimeFolder),
  });
}
