import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../model";
import { gatherStatus } from "../../scripts/lib/lab-status";
import { dockerObjects, removeObjects } from "../../scripts/lib/leftovers";
import { statusPorts } from "../../scripts/lib/status-ports";
import { runBaseline } from "../baseline";
import { writeBaselineFolder } from "../baseline-folder";
import type { Measuring } from "../measuring";

/** A lab that others than the stack bring up. */
export interface ScriptedLab {
  readonly lab: Lab;
  /** What ../baseline.sh works on. */
  readonly folder: string;
  readonly privateKeyFile: string;
}

/** Gives `work` the same lab as the stack's by another name, and removes what was made of it. */
export async function withScriptedLab(
  measuring: Measuring,
  suffix: string,
  work: (scripted: ScriptedLab) => Promise<void>,
): Promise<void> {
  const { dockerHost, image, archive, folder: parent } = measuring.options;
  const model = await measuring.newLab("brokers");
  // Another name: what is made so is not the stack's.
  const lab = { ...model.lab, name: `${model.lab.name}-${suffix}` };
  const folder = join(parent, lab.name);
  const { privateKeyFile } = model;
  writeBaselineFolder(folder, lab, {
    privateKeyFile,
    image,
    archive,
    archiveSha256: readFileSync(`${archive}.sha256`, "utf8").split(/\s/)[0]!,
  });
  try {
    await work({ lab, folder, privateKeyFile });
  } finally {
    await removeObjects(dockerHost, await dockerObjects(dockerHost, lab.name));
    await model.remove();
  }
}

export async function takeScript(measuring: Measuring): Promise<void> {
  const { dockerHost, signal } = measuring.options;
  await withScriptedLab(measuring, "script", async ({ lab, folder }) => {
    await measuring.take("script", async () => {
      const seconds = await runBaseline(folder, dockerHost, signal);
      const { problems } = await gatherStatus(lab, statusPorts);
      if (problems.length === 0) return { seconds };
      throw new Error(`bench/baseline.sh ended well, but:\n${problems.join("\n")}`);
    });
  });
}
