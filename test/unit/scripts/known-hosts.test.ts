import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "../../../scripts/lib/files";
import { renderKnownHosts, writeKnownHosts } from "../../../scripts/lib/known-hosts";
import { checkpointFile, labFolder } from "../../../scripts/lib/lab-folder";
import { physicalLab, virtualLab } from "../../support/labs";

const lab = virtualLab();
const pi = (name: string, outputs?: Record<string, unknown>) => ({
  urn: `urn:pulumi:mock::pi-lab::pilab:lab:Switch$pilab:virtual:Pi::${name}`,
  type: "pilab:virtual:Pi",
  ...(outputs ? { outputs } : {}),
});

test("each machine's address has the key that the state tells; others have no line", () => {
  const container = { ...pi("pi-3", { hostKey: "not this" }), type: "docker:index:Container" };
  const resources = [pi("pi-1", { hostKey: "ssh-ed25519 ONE" }), pi("pi-2"), container];
  expect(renderKnownHosts(lab, resources)).toBe("10.42.7.1 ssh-ed25519 ONE\n");
});

test("real machines have the keys of the configuration", () => {
  const real = physicalLab();
  const lines = renderKnownHosts(real, []).trimEnd().split("\n");
  expect(lines).toEqual(real.machines.map(({ address, hostKey }) => `${address} ${hostKey}`));
});

test("another port is written as ssh looks it up", () => {
  const other = { ...lab, ssh: { ...lab.ssh, port: 2222 } };
  expect(renderKnownHosts(other, [pi("pi-1", { hostKey: "ssh-ed25519 ONE" })])).toBe(
    "[10.42.7.1]:2222 ssh-ed25519 ONE\n",
  );
});

test("the file lies in the lab's folder, and is made anew when a key changes", () => {
  const labs = mkdtempSync(join(tmpdir(), "pi-lab-known-hosts-"));
  try {
    const folder = labFolder("virtual", labs);
    expect(writeKnownHosts(folder, lab)).toBe(false);
    for (const hostKey of ["ssh-ed25519 ONE", "ssh-ed25519 TWO"]) {
      const resources = [pi("pi-1", { hostKey })];
      writeWhole(checkpointFile(folder), JSON.stringify({ checkpoint: { latest: { resources } } }));
      expect(writeKnownHosts(folder, lab)).toBe(true);
      expect(readFileSync(folder.knownHostsFile, "utf8")).toBe(`10.42.7.1 ${hostKey}\n`);
    }
  } finally {
    rmSync(labs, { recursive: true, force: true });
  }
});
