import type { Host, Lab } from "../model/types";

/**
 * `chrony.conf` of a host. The lab's clock server follows the upstream servers, if it has any, and
 * serves its own time where it has none or cannot reach them (`local stratum 8`): a lab may have no
 * internet, and Pis have no battery clock. The others follow it; where no host serves, all follow
 * the upstream servers.
 */
export function renderChronyConf(lab: Lab, host: Host): string {
  const { server, upstream } = lab.clock;
  const serving = lab.hosts.find(({ name }) => name === server);
  const sources =
    serving === undefined || serving.name === host.name
      ? upstream.map((name) => (isAddress(name) ? `server ${name} iburst` : `pool ${name} iburst`))
      : [`server ${serving.machine.address} iburst minpoll 4 maxpoll 6`];
  const serves =
    serving?.name === host.name ? ["local stratum 8", `allow ${lab.switch.subnet}`] : [];
  return [
    "# Written by pi-lab.",
    ...sources,
    ...serves,
    "driftfile /var/lib/chrony/chrony.drift",
    // At any time, not only at the start: a Pi may be up long before its clock server is.
    "makestep 1 -1",
    "rtcsync",
    "keyfile /etc/chrony/chrony.keys",
    "logdir /var/log/chrony",
    "",
  ].join("\n");
}

/**
 * Drop-in of chrony.service in a container, where nobody may set the clock and the unit would
 * therefore not start: with `-x` it measures and serves, and leaves the clock to the machine below.
 */
export function renderChronyContainerDropIn(): string {
  return `# Written by pi-lab: a container cannot set the clock.
[Unit]
ConditionCapability=

[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd -x
`;
}

function isAddress(name: string): boolean {
  return /^[0-9.]+$/.test(name) || name.includes(":");
}
