import type { LabDrift } from "../../../scripts/lib/lab-drift";
import { allPis, askAll, brokerPis, piOf } from "../../support/lab/pi";
import { waitUntilWell } from "../../support/lab/well";
import type { TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

const CONFIG = "/etc/kafka/server.properties";
const DROP_IN = "/etc/systemd/system/kafka.service.d/override.conf";

/** What somebody did by hand on a host is named, and brought back by the pushes alone. */
export function describeDrift(lab: GetLab): void {
  test("hosts as their pushes left them have no drift, after changes too", async () => {
    await expect(drift(lab().stack)).resolves.toEqual({ exitCode: 0, found: [] });
  });

  test("what was changed by hand is named, and nothing else", async () => {
    const { stack } = lab();
    await piOf(stack, "broker-1").run(`echo '# by hand' >>${CONFIG}; chmod 600 ${CONFIG}`);
    await piOf(stack, "broker-2").run(
      `mkdir -p ${DROP_IN.replace(/\/[^/]*$/, "")}; printf '[Service]\\nNice=5\\n' >${DROP_IN}; systemctl disable --quiet kafka`,
    );
    await piOf(stack, "broker-3").run("systemctl stop kafka");
    await piOf(stack, "client-1").run("apt-get -qq --yes remove chrony >/dev/null 2>&1");
    await piOf(stack, "client-2").run("systemctl mask --now --quiet chrony");
    await expect(drift(stack)).resolves.toEqual({
      exitCode: 3,
      found: [
        `broker-1 ${CONFIG} sha256`,
        `broker-1 ${CONFIG} mode`,
        "broker-2 kafka.service unitFileState",
        `broker-2 ${DROP_IN}`,
        "broker-3 kafka.service activeState",
        "client-1 chrony",
        "client-2 chrony.service unitFileState",
        "client-2 chrony.service activeState",
      ],
    });
  });

  test("the preview of a refresh says what was changed, and how many pushes run again for it", async () => {
    const text = await lab().stack.ask("preview", "--refresh", "--diff");
    expect(text).toMatch(/sha256: "edited by hand \([0-9a-f]{12}…\)" => "[0-9a-f]{64}"/);
    expect(text).toMatch(/mode *: "0600" => "0644"/);
    expect(text).toMatch(/chrony: "missing" => "installed"/);
    expect(text).toMatch(/unitFileState: "disabled" => "enabled"/);
    expect(text).toMatch(/unitFileState: "masked" => "enabled"/);
    expect(text).toMatch(/version *: "not running" => "4\.1\.1"/);
    expect(text.match(/[+~] \[2\]: .*"drift \d+"$/gm)).toHaveLength(4);
    expect(text).toMatch(/ 5 to update\n +\+-4 to replace\n/);
  });

  test("`up --refresh` brings it back, restarts no broker, and leaves the drop-in to its owner", async () => {
    const { stack } = lab();
    const running = ["broker-1", "broker-2"].map((name) => piOf(stack, name));
    const before = await askAll(running, (pi) => pi.unit());
    const up = await stack.up("--refresh");
    expect(changes(up.steps)).toEqual(MENDING);
    expect(up.warnings).toEqual([
      expect.stringMatching(
        /broker-2: the drop-in .*override\.conf overrides kafka\.service\. .*sudo rm/,
      ),
    ]);
    expect(await askAll(running, (pi) => pi.unit())).toEqual(before);
    await waitUntilWell(stack, 60_000);
    await expect(drift(stack)).resolves.toEqual({ exitCode: 3, found: [`broker-2 ${DROP_IN}`] });

    await piOf(stack, "broker-2").run(`rm -r ${DROP_IN.replace(/\/[^/]*$/, "")}`);
    await piOf(stack, "broker-2").run("systemctl daemon-reload");
    await expect(drift(stack)).resolves.toEqual({ exitCode: 0, found: [] });
  });

  test("a healed host is quiet: the next `up` changes nothing and dials nobody", async () => {
    const { stack } = lab();
    const lines = () => askAll(allPis(stack), (pi) => pi.sshdLines());
    const starts = await askAll(brokerPis(stack), (pi) => pi.unit());
    const before = await lines();
    const again = await stack.up();
    expect(changes(again.steps)).toEqual([]);
    expect(await lines()).toEqual(before);
    const refreshed = await stack.up("--refresh");
    expect(changes(refreshed.steps)).toEqual([]);
    expect(refreshed.warnings).toEqual([]);
    expect(await askAll(brokerPis(stack), (pi) => pi.unit())).toEqual(starts);
  });

  test("a host that is off costs seconds, is named, and hides nobody's drift", async () => {
    const { stack } = lab();
    const off = piOf(stack, "client-3");
    await off.run("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh");
    await piOf(stack, "broker-1").run("chown pi /usr/local/lib/pi-lab/host");
    try {
      const begin = Date.now();
      const { exitCode, stdout } = await stack.script("drift").ended;
      expect(Date.now() - begin).toBeLessThan(30_000);
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/5 of 6 hosts looked at, 1 drifted/);
      expect(stdout).toMatch(/client-3: .*cannot be reached/);
      expect(stdout).toMatch(/broker-1 +\/usr\/local\/lib\/pi-lab\/host owner +pi:root +root:root/);
    } finally {
      await off.run("systemctl start ssh");
      await piOf(stack, "broker-1").run("chown root /usr/local/lib/pi-lab/host");
    }
  });
}

/** The steps that bring everything back: each host's state with the pushes that mend it. */
const MENDING = [
  "replace broker-1-files",
  "replace broker-2-files",
  "replace client-1-prepare",
  "replace client-2-prepare",
  "update broker-1-state",
  "update broker-2-state",
  "update client-1-state",
  "update client-2-state",
  "update kafka-rollout",
];

/** What a user sees of steps that change something; the refresh itself is none. */
function changes(steps: readonly { op: string; name: string }[]): string[] {
  return steps
    .filter(({ op }) => ["create", "update", "replace", "delete"].includes(op))
    .map(({ op, name }) => `${op} ${name}`)
    .sort();
}

/** What `npm run drift` finds, as `HOST NAME [PROPERTY]`. */
async function drift(stack: TestStack): Promise<{ exitCode: number; found: string[] }> {
  const { exitCode, stdout, output } = await stack.script("drift", "--json").ended;
  if (!stdout.startsWith("{")) throw new Error(`drift ended with ${exitCode}:\n${output}`);
  const { hosts } = JSON.parse(stdout) as LabDrift;
  return {
    exitCode,
    found: hosts.flatMap(({ host, drift: findings, error }) => [
      ...findings.map(({ name, property }) => [host, name, property].filter(Boolean).join(" ")),
      ...(error === undefined ? [] : [`${host}: ${error}`]),
    ]),
  };
}
