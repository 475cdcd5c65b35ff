import { labelFault, labelFrom, MAX_LAB_NAME } from "../names";
import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import { Report } from "./report";
import type { ConfigProblem } from "../errors";

/** Rules on the lab as a whole: its name, time and access. */
export function labProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkName(draft, report);
  checkTimezone(draft, report);
  checkClock(draft, report);
  checkSsh(draft, report);
  checkMirrors(draft, report);
  return report.problems;
}

function checkName({ name }: LabDraft, report: Report): void {
  if (name === undefined) return;
  const fault = labelFault(name, MAX_LAB_NAME);
  if (fault === undefined) return;
  const legal = labelFrom(name, MAX_LAB_NAME);
  report.add(
    ["name"],
    name,
    `is not a legal name: it ${fault}`,
    legal === undefined ? "Choose another." : `Write ${legal}, say.`,
  );
}

function checkTimezone({ timezone }: LabDraft, report: Report): void {
  if (timezone === undefined || isTimezone(timezone)) return;
  report.add(
    ["timezone"],
    timezone,
    "is not a time zone",
    didYouMean(
      timezone,
      ["Etc/UTC", ...Intl.supportedValuesOf("timeZone")],
      "Give its name in the IANA database, e.g. Europe/Berlin; `timedatectl list-timezones` has them all.",
    ),
  );
}

/**
 * Names as the hosts' own database has them: case counts there, though not for `Intl`, and offsets
 * such as `+01:00` are none. Older names (`Asia/Calcutta`) are in both.
 */
function isTimezone(name: string): boolean {
  if (!/^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(name)) return false;
  const listed = Intl.supportedValuesOf("timeZone");
  if (listed.includes(name)) return true;
  if (listed.some((zone) => zone.toLowerCase() === name.toLowerCase())) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function checkClock({ clock, hosts = {} }: LabDraft, report: Report): void {
  const server = clock?.server;
  if (server !== undefined && !Object.hasOwn(hosts, server)) {
    const names = Object.keys(hosts);
    report.add(
      ["clock", "server"],
      server,
      "is not a host of the lab",
      didYouMean(server, names, `Name one of hosts: ${names.join(", ")}.`),
    );
  }
  const upstream = clock?.upstream ?? [];
  upstream.forEach((name: string | undefined, i) => {
    if (name === undefined || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name)) return;
    report.add(
      ["clock", "upstream", i],
      name,
      "is neither a host name nor an address",
      "Name an NTP server or pool, e.g. 2.debian.pool.ntp.org.",
    );
  });
}

function checkSsh({ ssh = {}, virtual }: LabDraft, report: Report): void {
  if (virtual === undefined) return;
  if (ssh.privateKeyPath === undefined) {
    report.add(
      ["ssh", "privateKeyPath"],
      undefined,
      "is missing: virtual Pis are made with the public half of this key",
      "`npm run lab` makes one; or name a key made by `ssh-keygen -t ed25519`.",
    );
  }
  // Other images are their owner's: who may log in there is not known here.
  if (virtual.image !== defaults.image) return;
  const remedy = "Leave it out, or name an image of your own that has it under virtual.image.";
  if (ssh.user !== undefined && ssh.user !== defaults.sshUser) {
    const cause = `is not a user of ${defaults.image}, which has ${defaults.sshUser}`;
    report.add(["ssh", "user"], ssh.user, cause, remedy);
  }
  if (ssh.port !== undefined && ssh.port !== defaults.sshPort) {
    const cause = `is not where sshd listens in ${defaults.image}: that is ${defaults.sshPort}`;
    report.add(["ssh", "port"], ssh.port, cause, remedy);
  }
}

function checkMirrors({ packages }: LabDraft, report: Report): void {
  const mirrors = packages?.mirrors;
  if (mirrors === undefined) return;
  if (mirrors.length === 0) {
    const remedy =
      "Name them, or leave the key out: then those of the hosts' apt sources are asked.";
    report.add(["packages", "mirrors"], undefined, "names no mirror", remedy);
  }
  if (packages?.from !== "controller") {
    const cause = "is of no effect: hosts ask the mirrors of their own apt sources";
    report.add(
      ["packages", "mirrors"],
      undefined,
      cause,
      "Leave it out, or write `from: controller`.",
    );
  }
}
