import { existsSync } from "node:fs";
import type { Lab, MachineName } from "../../model";
import { nameOfUrn } from "./engine-events";
import { writeIfChanged } from "./files";
import type { LabFolder } from "./lab-folder";
import { resourcesInState, type StateResource } from "./leftovers";

/** The component that stands for a Pi. It tells the host key that was made for it. */
const VIRTUAL_PI = "pilab:virtual:Pi";

/**
 * The key that each machine of a lab must show: the configuration's, or the one that a virtual machine was
 * made with. None for a virtual machine that is not there.
 */
export function pinnedKeys(
  lab: Lab,
  resources: readonly StateResource[],
): ReadonlyMap<MachineName, string> {
  const made = virtualHostKeys(resources);
  return new Map(
    lab.machines.flatMap(({ name, hostKey }): [MachineName, string][] => {
      const key = hostKey ?? made.get(name);
      return key === undefined ? [] : [[name, key]];
    }),
  );
}

/** The host keys that were made with a virtual lab's machines, by the machine's name. */
function virtualHostKeys(resources: readonly StateResource[]): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { type, urn, outputs } of resources) {
    const key = outputs?.["hostKey"];
    if (type === VIRTUAL_PI && typeof key === "string") keys.set(nameOfUrn(urn), key);
  }
  return keys;
}

/**
 * Writes `known_hosts` into a lab's folder, for the user's own ssh: the keys are those that the lab itself
 * pins, so nothing is asked and nothing is trusted at first sight.
 * @returns whether the file is there
 */
export function writeKnownHosts(folder: LabFolder, lab: Lab): boolean {
  const text = renderKnownHosts(lab, resourcesInState(folder));
  if (text !== "") writeIfChanged(folder.knownHostsFile, text);
  return existsSync(folder.knownHostsFile);
}

/** A line for each machine that has a pinned key, in the form of OpenSSH; empty for a virtual lab that is down. */
export function renderKnownHosts(lab: Lab, resources: readonly StateResource[]): string {
  const keys = pinnedKeys(lab, resources);
  const { port } = lab.ssh;
  return lab.machines
    .flatMap(({ name, address }) => {
      const key = keys.get(name);
      if (key === undefined) return [];
      return `${port === 22 ? address : `[${address}]:${port}`} ${key}\n`;
    })
    .join("");
}
