import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { brokers } from "../../model";
import { waitUntilWell } from "../bench-lab";
import { AnsibleControl } from "../ansible-control";
import { renderInventory } from "../ansible-inventory";
import { assertRecap } from "../ansible-recap";
import { runBaseline } from "../baseline";
import { coldUp, unchanged, type Measuring } from "../measuring";
import { PiShell } from "../pi-shell";
import { withScriptedLab, type ScriptedLab } from "./script";

const PYTHON_MS = 10 * 60_000;

/** What Ansible needs on its hosts and Raspberry Pi OS has; the package lists are left as they were: none, and none lately. */
const PYTHON = [
  "set -e",
  "export DEBIAN_FRONTEND=noninteractive",
  "apt-get -qq -o Acquire::Retries=3 update",
  "apt-get -qq --yes --no-install-recommends install python3 python3-apt >/dev/null",
  "apt-get clean",
  "rm -rf /var/lib/apt/lists/*",
  // By this date Ansible's module tells whether they are still good.
  "touch --date=2000-01-01 /var/lib/apt/lists",
].join("\n");

/** Ansible's first and second run on three blank Pis, in turn with the stack's cold and unchanged `up`. */
export async function ansible(measuring: Measuring): Promise<void> {
  const { name, folder, dockerHost, image, archive, runs, log } = measuring.options;
  log("Installing Ansible in a container");
  const control = await AnsibleControl.start({
    name: `${name}-control`,
    dockerHost,
    image,
    folder,
    archive,
  });
  measuring.note(
    `Ansible: ${control.version} of Debian, pipelining on, shared SSH connections, ten forks; its first run holds the time in which bench/baseline.sh makes the machines, and not that of installing Python on them.`,
  );
  for (let run = 1; run <= runs; run++) {
    await measuring.trying("Ansible's lab", () =>
      withScriptedLab(measuring, "ansible", (lab) => bothRuns(measuring, control, lab)),
    );
    const own = await measuring.newLab("brokers");
    const cold = await measuring.take("cold", () => coldUp(own, "--yes", "--skip-preview"));
    if (cold) await measuring.take("up", () => unchanged(own, "up", "--yes"));
    await own.remove();
  }
}

async function bothRuns(
  measuring: Measuring,
  control: AnsibleControl,
  { lab, folder }: ScriptedLab,
): Promise<void> {
  const { archive, dockerHost, signal } = measuring.options;
  const inventory = join(folder, "inventory.json");
  writeFileSync(inventory, renderInventory(lab, { folder, archive }));
  const names = brokers(lab).map((host) => host.name);
  const machines = await runBaseline(folder, dockerHost, signal, ["machines"]);
  await Promise.all(
    names.map((host) =>
      new PiShell(dockerHost, `${lab.name}-${host}`).bash(PYTHON, { timeoutMs: PYTHON_MS }),
    ),
  );
  const play = () => control.play(inventory, join(folder, "ssh_config"));
  const first = await measuring.take("ansible", async () => {
    const { seconds, recap } = await play();
    assertRecap(recap, names, "something changed");
    return { seconds: machines + seconds + (await waitUntilWell(lab)) };
  });
  if (first === undefined) return;
  await measuring.take("ansible-again", async () => {
    const { seconds, recap } = await play();
    assertRecap(recap, names, "nothing changed");
    return { seconds };
  });
}
