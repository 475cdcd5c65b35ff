import { copyFile, mkdir, symlink, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ensureKafka, ensureNode, nodeArchHere } from "../../toolchain";
import { piOf } from "../support/lab/pi";
import { keepHosts } from "../support/lab/template";
import { waitUntilWell } from "../support/lab/well";
import { createTestStack, type Outcome, type TestStack } from "../support/stack";
import { waitFor } from "../support/wait";

/**
 * What goes wrong on the way: a lab of one broker, one client and one other host meets fault after
 * fault. Each `up` names host, step and remedy, and the one after the cause is mended goes on.
 */

jest.setTimeout(600_000);

let stack: TestStack;

beforeAll(async () => {
  stack = await createTestStack({
    edit: (lab) => {
      keepHosts(lab, ["broker-1", "client-1", "client-2"]);
      lab.hosts["desk-1"] = { role: "host", machine: lab.hosts["client-2"]!.machine, port: 5 };
      delete lab.hosts["client-2"];
      lab.cluster["replicationFactor"] = 1;
      lab.cluster["minInsyncReplicas"] = 1;
    },
  });
});

afterAll(async () => {
  await stack?.remove();
});

/** What an `up` that must fail says of one resource. */
function told(outcome: Outcome, resource: string): string {
  expect(outcome.exitCode).not.toBe(0);
  const start = `error ${resource}: `;
  const [, after] = outcome.output.split(start);
  if (after === undefined) throw new Error(`nothing is told of ${resource}:\n${outcome.output}`);
  return after.split(/\n(?=(?:error|warning|info) \S*: )/)[0] ?? "";
}

const failingUp = (from: TestStack = stack): Promise<Outcome> =>
  from.run("up", "--yes", "--skip-preview");

test("a corrupt archive is found on the host, before it is unpacked", async () => {
  const cache = join(stack.folder.dir, "cache");
  const sound = await ensureKafka(() => undefined);
  const corrupt = join(cache, "kafka", basename(sound));
  await mkdir(join(cache, "kafka"), { recursive: true });
  await copyFile(sound, corrupt);
  await copyFile(`${sound}.sha256`, `${corrupt}.sha256`);
  await truncate(corrupt, 1_000_000);
  const node = await ensureNode(() => undefined, nodeArchHere());
  await symlink(dirname(node), join(cache, "node"));

  const outcome = await failingUp(stack.withEnv({ PI_LAB_CACHE: cache }));
  const said = told(outcome, "broker-1-kafka-install");
  expect(said).toMatch(/broker-1: install: the archive \S+ is corrupt: its SHA-256 is/);
  expect(said).toMatch(/npm run setup/);
  const pi = piOf(stack, "broker-1");
  await expect(pi.run("ls -A /opt/kafka")).resolves.toBe("");
});

test("a full disk is told with what is missing, and leaves nothing half unpacked", async () => {
  const pi = piOf(stack, "broker-1");
  await pi.run("mount -t tmpfs -o size=16m tmpfs /opt/kafka");
  const outcome = await failingUp();
  const said = told(outcome, "broker-1-kafka-install");
  expect(said).toMatch(
    /broker-1: install: \/opt\/kafka has \d+ MiB free, Kafka 4\.1\.1 needs \d+ MiB/,
  );
  expect(said).toMatch(/Free space on it/);
  await expect(pi.run("ls -A /opt/kafka")).resolves.toBe("");
  await pi.run("umount /opt/kafka");
});

test("once the causes are mended the next `up` goes on to the end", async () => {
  await stack.up();
  await waitUntilWell(stack, 30_000);
  const again = await stack.preview();
  expect(again.steps.map(({ name }) => name)).toEqual([]);
});

test("a foreign host key and a silent host are told apart; a held package lock is waited for", async () => {
  const [broker, client, desk] = ["broker-1", "client-1", "desk-1"].map((name) =>
    piOf(stack, name),
  );
  await broker!.run("apt-get purge -qq --yes chrony >/dev/null 2>&1");
  await broker!.run(`systemd-run --quiet --unit=hold-lock perl -e '${HOLD_LOCK}'`);
  await client!.run(
    "cd /etc/ssh && mv ssh_host_ed25519_key /root/ && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && systemctl restart ssh",
  );
  await desk!.run("systemctl stop ssh.socket ssh.service");
  stack.edit((lab) => (lab["timezone"] = "Asia/Tokyo"));

  const running = failingUp();
  await waitFor("the broker's preparation to wait for the lock", () =>
    broker!.run("pgrep --full --exact 'sleep 2'"),
  ).finally(() => broker!.run("systemctl stop hold-lock"));
  const outcome = await running;
  const ofClient = told(outcome, "client-1-prepare");
  expect(ofClient).toMatch(new RegExp(`${client!.host.machine.address}:22`));
  expect(ofClient).toMatch(
    /another host key than the pinned one: it shows SHA256:\S+ .*pinned is SHA256:/,
  );
  expect(ofClient).toMatch(/npm run host-keys|hostKey/);
  const ofDesk = told(outcome, "desk-1-prepare");
  expect(ofDesk).toMatch(new RegExp(`${desk!.host.machine.address}:22 cannot be reached`));
  expect(ofDesk).toMatch(/does sshd run there\?/);

  // The broker was prepared all the same: it waited for the lock, said so, and got its package.
  const said = outcome.events
    .map(({ diagnosticEvent }) => diagnosticEvent?.message ?? "")
    .join("\n");
  expect(said).toMatch(/broker-1: packages: waiting for the package lock/);
  await expect(broker!.run("systemctl is-active chrony; cat /etc/timezone")).resolves.toBe(
    "active\nAsia/Tokyo",
  );
  // And Kafka served on.
  const { topics } = await stack.status();
  const leaders = topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader));
  expect(leaders).toEqual(["broker-1", "broker-1", "broker-1"]);
});

test("with the hosts as they were, the next `up` does what was left, and no more", async () => {
  await piOf(stack, "client-1").run(
    "mv /root/ssh_host_ed25519_key /etc/ssh/ && systemctl restart ssh",
  );
  await piOf(stack, "desk-1").run("systemctl start ssh");
  const outcome = await stack.up();
  expect(outcome.steps.map(({ op, name }) => `${op} ${name}`).sort()).toEqual([
    "update client-1-prepare",
    "update desk-1-prepare",
  ]);
  for (const name of ["client-1", "desk-1"]) {
    await expect(piOf(stack, name).run("cat /etc/timezone")).resolves.toBe("Asia/Tokyo");
  }
});

test("machines that are unfit are told all at once before anything is pushed, and mended it goes on", async () => {
  const [broker, client, desk] = ["broker-1", "client-1", "desk-1"].map((name) =>
    piOf(stack, name),
  );
  const meta = "/var/lib/kafka/data/meta.properties";
  await broker!.run(
    `systemctl stop kafka && cp -p ${meta} /root/ && sed -i 's/^cluster.id=.*/cluster.id=MkU3OEVBNTcwNTJENDM2Qg/' ${meta} && ` +
      `systemd-run --quiet --unit=squatter perl -e '${listenAt(9092)}'`,
  );
  await client!.run("mv /etc/sudoers.d/010_pi-nopasswd /root/");
  // Two machines are declared to be others, and all three hosts have something to be pushed.
  stack.edit((lab) => {
    lab["timezone"] = "Etc/UTC";
    for (const host of ["broker-1", "client-1"]) {
      lab.machines[lab.hosts[host]!.machine]!["board"] = "pi-5-8gb";
    }
  });
  const visits = await desk!.sshdLines();

  const outcome = await failingUp();
  const said = told(outcome, "preflight");
  expect(said).toMatch(/not ready: 3 findings on 2 hosts; nothing was pushed/);
  expect(said).toMatch(/broker-1: port 9092 is taken by perl \d+ \(squatter\.service\)\. Stop it/);
  expect(said).toMatch(/data is not used: .* clusterId MkU3OEVBNTcwNTJENDM2Qg, where/);
  expect(said).toMatch(/client-1: pi may not use sudo without a password \(sudo: a password is/);
  expect(outcome.steps.map(({ op, name }) => `${op} ${name}`)).toEqual(["update preflight"]);
  expect(await desk!.sshdLines()).toBe(visits);
  const onDemand = await stack.script("preflight", "--json").ended;
  const { hosts } = JSON.parse(onDemand.stdout) as {
    hosts: { host: string; findings: { check: string }[] }[];
  };
  expect(onDemand.exitCode).toBe(1);
  expect(hosts.map(({ host, findings }) => [host, findings.map(({ check }) => check)])).toEqual([
    ["broker-1", ["ports", "foreign-data"]],
    ["client-1", ["sudo"]],
    ["desk-1", []],
  ]);

  await client!.run("mv /root/010_pi-nopasswd /etc/sudoers.d/");
  await broker!.run(
    `systemctl stop squatter && cp -p /root/meta.properties ${meta} && systemctl start kafka`,
  );
  const mended = await stack.up();
  expect(mended.steps.map(({ op, name }) => `${op} ${name}`).sort()).toEqual([
    "update broker-1-prepare",
    "update client-1-prepare",
    "update desk-1-prepare",
    "update preflight",
  ]);
});

/** A perl program that holds a port until it is ended. */
function listenAt(port: number): string {
  return [
    "use IO::Socket::INET;",
    `my $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 1, ReuseAddr => 1) or die $!;`,
    "sleep;",
  ].join(" ");
}

/** Holds the lock that apt takes until it is ended. */
const HOLD_LOCK = [
  "use Fcntl;",
  'open(my $lock, "+<", "/var/lib/dpkg/lock-frontend") or die $!;',
  'my $all = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0);',
  "fcntl($lock, F_SETLK, $all) or die $!;",
  "sleep;",
].join(" ");
