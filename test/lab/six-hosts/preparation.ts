import { allPis, askAll, brokerPis } from "../../support/lab/pi";
import { waitFor } from "../../support/wait";
import type { GetLab } from "./shared";

/** Directives of the unit that a JVM bears, as systemd reads them back. */
const SANDBOX = {
  User: "kafka",
  ProtectSystem: "strict",
  ProtectHome: "yes",
  PrivateTmp: "yes",
  PrivateDevices: "yes",
  NoNewPrivileges: "yes",
  CapabilityBoundingSet: "",
  RestrictNamespaces: "yes",
  Restart: "always",
} as const;

/** What a host is before anything runs on it, and how Kafka's unit is kept in bounds. */
export function describePreparation(lab: GetLab): void {
  test("every host has its time zone, bounded logs, and follows the clock of broker-1", async () => {
    const { stack } = lab();
    const server = allPis(stack).find(({ host }) => host.name === "broker-1")!;
    const prepared = await askAll(allPis(stack), async (pi) => ({
      timezone: await pi.run("readlink /etc/localtime; cat /etc/timezone"),
      journal: await pi.run(
        "systemd-analyze cat-config systemd/journald.conf | grep ^SystemMaxUse",
      ),
      chrony: await pi.run("systemctl is-active chrony"),
    }));
    const expected = {
      timezone: "/usr/share/zoneinfo/Europe/Berlin\nEurope/Berlin",
      journal: "SystemMaxUse=64M",
      chrony: "active",
    };
    expect(Object.entries(prepared)).toEqual(
      allPis(stack).map(({ host }) => [host.name, expected]),
    );

    for (const pi of allPis(stack).filter(({ host }) => host.name !== server.host.name)) {
      await waitFor(`${pi.host.name} to follow the clock of broker-1`, async () => {
        const sources = await pi.run("chronyc -c -n sources");
        const [, state, address] = sources.split(",");
        if (state === "*" && address === server.host.machine.address) return true;
        throw new Error(sources);
      });
    }
  });

  test("Kafka's unit passes systemd's own check and runs sandboxed", async () => {
    const { stack } = lab();
    const checks = await askAll(brokerPis(stack), (pi) =>
      pi.try("systemd-analyze verify --man=no kafka.service"),
    );
    expect(Object.values(checks)).toEqual(Array(3).fill({ code: 0, output: "" }));
    const shown = await askAll(brokerPis(stack), async (pi) => {
      const names = Object.keys(SANDBOX).join(",");
      const text = await pi.run(`systemctl show kafka --property=${names}`);
      return Object.fromEntries(
        text.split("\n").map((line) => line.split("=", 2) as [string, string]),
      );
    });
    expect(Object.values(shown)).toEqual(Array(3).fill(SANDBOX));
    const processes = await askAll(brokerPis(stack), (pi) =>
      pi.run(
        'grep -E "^(Uid|CapEff|NoNewPrivs|Seccomp):" /proc/$(systemctl show kafka -P MainPID)/status | tr -s "\\t" " "; id -u kafka',
      ),
    );
    for (const status of Object.values(processes)) {
      const uid = status.split("\n").at(-1);
      expect(uid).not.toBe("0");
      expect(status).toContain(`Uid: ${uid} ${uid} ${uid} ${uid}`);
      expect(status).toContain("CapEff: 0000000000000000");
      expect(status).toContain("NoNewPrivs: 1");
      expect(status).toContain("Seccomp: 2");
    }
  });
}
