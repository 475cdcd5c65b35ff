import { renderKnownHosts } from "../../scripts/lib/known-hosts";
import { resourcesInState } from "../../scripts/lib/leftovers";
import { bareSsh } from "../bare-ssh";
import type { BenchLab } from "../bench-lab";
import { driftSizes } from "../measures";
import type { Measuring } from "../measuring";
import { ANSWER_MS, StandIns } from "../stand-ins";

/** Hosts that are as they were left, from the first dial to the last answer, beside a bare `ssh HOST true`. */
export async function drift(measuring: Measuring): Promise<void> {
  const { signal, folder } = measuring.options;
  const lab = await measuring.unmeasured("six");
  // Its folder goes with it.
  const template = lab.lab;
  for (let round = 1; round <= measuring.rounds; round++) {
    await measuring.take("ssh-6", () => bareSsh(placesOf(lab)));
    await measuring.take("drift-6", () => lab.drift());
  }
  await lab.remove();
  const standIns = await StandIns.start(template, folder, signal);
  measuring.note(
    `Stand-ins: one SSH server in a process of its own on the same cores, at many loopback addresses, which answers a drift report's question after ${ANSWER_MS / 1000} s and \`true\` at once.`,
  );
  try {
    for (const count of driftSizes.slice(1)) {
      for (let round = 1; round <= measuring.rounds; round++) {
        await measuring.take(`ssh-${count}`, () => bareSsh(standIns.places(count)));
        await measuring.take(`drift-${count}`, () => standIns.drift(count));
      }
    }
  } finally {
    standIns.stop();
  }
}

function placesOf({ lab, folder, privateKeyFile }: BenchLab): Parameters<typeof bareSsh>[0] {
  return {
    folder: folder.dir,
    user: lab.ssh.user,
    port: lab.ssh.port,
    privateKeyFile,
    knownHosts: renderKnownHosts(lab, resourcesInState(folder)),
    addresses: lab.hosts.map(({ machine }) => machine.address),
  };
}
