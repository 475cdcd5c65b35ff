import { readArgs, runCommand, stackOf } from "./lib/cli";
import { pressButton } from "./lib/button";
import { standingLab } from "./lib/standing-lab";

const USAGE = `npm run button -- HOST [--hold SECONDS] [--stack NAME]

Presses the button of a client of the ring, over SSH: it sends one alert on its topic. Held, it repeats
(ring.repeatPerSecond).

  --hold SECONDS  hold it for so long, 1 to 3600
  --stack NAME    which lab; default virtual (or PI_LAB_STACK)

Ends with 0 once Kafka has acknowledged an alert, else with 1.`;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, words: ["HOST"], values: ["stack", "hold"] });
  const holdSeconds = given.count("hold", 1);
  return pressButton(standingLab(stackOf(given)), given.word("HOST"), holdSeconds);
}

runCommand(main);
