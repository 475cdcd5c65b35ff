import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Host, HostName, Lab } from "../../model";
import { Secret, type PropertyMap } from "../../plugins/common/rpc";
import { connect as connectSsh } from "../../plugins/common/ssh";
import { pilabProvider } from "../../provider/provider";
import { openSshShell } from "../../provider/ssh/ssh2";
import { broughtPackages, renderBringScript } from "../../render";
import { labFixture } from "../support/lab-fixture";
import { Mirror } from "../support/packages/mirror";
import { ProviderDriver, type ResourceDriver } from "../support/provider-driver";
import { generateKey, startSshServer, type TestServer } from "../support/ssh/server";

/**
 * Packages over gRPC, SSH and a forwarded port, by this machine's own apt, whose state lies below a folder. What dpkg
 * would do is a stand-in's: nothing is installed here.
 */

const user = generateKey();
const lab: Lab = { ...labFixture(), packagesFrom: "controller" };
const desk: Host = {
  ...lab.hosts.find(({ role }) => role === "client")!,
  name: "desk-1" as HostName,
};
const RELEASE_DATE = new Date(Date.now() - 3_600_000).toUTCString().replace("GMT", "UTC");

let root: string;
let server: TestServer;
let driver: ProviderDriver;
let packages: ResourceDriver;
let mirror: Mirror;
let cache: string | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pi-lab-bring-"));
  // apt gives its downloads to a user of its own.
  await chmod(root, 0o755);
  cache = process.env["PI_LAB_CACHE"];
  process.env["PI_LAB_CACHE"] = join(root, "controller");
  mirror = await Mirror.start(await archive());
  await host();
  await start();
});

afterEach(async () => {
  await driver.stop();
  await server.close();
  await mirror.stop();
  if (cache === undefined) delete process.env["PI_LAB_CACHE"];
  else process.env["PI_LAB_CACHE"] = cache;
  await rm(root, { recursive: true, force: true });
});

/** A new plugin, as each `up` has one. */
async function start(forwards = true): Promise<void> {
  server = await startSshServer({ authorizedKeys: [user.publicKey], forwards });
  const connectAdmin = () => {
    throw new Error("packages ask nothing of the cluster");
  };
  driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell: openSshShell }));
  packages = driver.resource("pilab:lab/packages:Packages", "desk-packages");
}

async function restart(forwards = true): Promise<void> {
  await driver.stop();
  await server.close();
  await start(forwards);
}

/** An archive with one package, and the lists that name it. */
async function archive(): Promise<Record<string, Buffer | string>> {
  const folder = join(root, "chrony");
  await mkdir(join(folder, "DEBIAN"), { recursive: true });
  const control =
    "Package: chrony\nVersion: 4.3-1\nArchitecture: all\nMaintainer: t <t@t>\nDescription: t\n";
  await writeFile(join(folder, "DEBIAN/control"), control);
  execFileSync("dpkg-deb", ["--build", folder, join(root, "chrony.deb")], { stdio: "ignore" });
  const deb = await readFile(join(root, "chrony.deb"));
  const sum = (data: Buffer | string): string => createHash("sha256").update(data).digest("hex");
  const list = `${control}Filename: pool/main/c/chrony/chrony_4.3-1_all.deb\nSize: ${deb.length}\nSHA256: ${sum(deb)}\n`;
  const arch = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
  const path = `main/binary-${arch}/Packages`;
  const release = [
    "Origin: test\nSuite: test\nCodename: test\nAcquire-By-Hash: yes",
    `Architectures: ${arch} all\nComponents: main\nDate: ${RELEASE_DATE}`,
    `SHA256:\n ${sum(list)} ${list.length} ${path}\n`,
  ].join("\n");
  return {
    "/debian/dists/test/Release": release,
    [`/debian/dists/test/${path}`]: list,
    [`/debian/dists/test/main/binary-${arch}/by-hash/SHA256/${sum(list)}`]: list,
    "/debian/pool/main/c/chrony/chrony_4.3-1_all.deb": deb,
  };
}

/** What apt and dpkg find on the host. */
async function host(source = `http://${mirror.host}/debian`): Promise<void> {
  for (const folder of ["parts", "etc", "state/lists/partial", "var/archives/partial"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, "sources.list"), `deb [trusted=yes] ${source} test main\n`);
  await writeFile(join(root, "state/status"), "");
  await writeFile(
    join(root, "dpkg"),
    `#!/bin/sh\nfor word; do case $word in *.deb) echo "\${word##*/}" >>${root}/installed ;; esac; done\n`,
    { mode: 0o755 },
  );
  const settings = {
    "Dir::Etc::parts": `${root}/parts`,
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::sourcelist": `${root}/sources.list`,
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::preferencesparts": "-",
    "Dir::State": `${root}/state`,
    "Dir::State::status": `${root}/state/status`,
    "Dir::Cache": `${root}/var`,
    "Dir::Bin::dpkg": `${root}/dpkg`,
    "Dir::Log": `${root}/var`,
    "Dir::Log::Terminal": "/dev/null",
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  await writeFile(join(root, "apt.conf"), `${lines.join("\n")}\n`);
}

/** The script that a lab has whose hosts need all those packages, on a host that is a folder. */
function script(all: readonly string[] = ["chrony"]): string {
  const moved = renderBringScript(lab, desk)
    .replaceAll("/var/cache/pi-lab-packages", `${root}/bring`)
    .replaceAll("/run/lock/", `${root}/`)
    .replace(/^pi_all_packages=.*$/m, `pi_all_packages=(${all.join(" ")})`);
  const standIns = [
    `export APT_CONFIG=${root}/apt.conf`,
    `dpkg-query() { if grep -qs "$3" ${root}/installed; then echo installed; fi; }`,
    // It names the package last, after two options.
    'dpkg() { if [ "$1" != --audit ]; then command dpkg "$@"; fi; }',
    "compgen() { [ \"$2\" != '/var/lib/dpkg/updates/[0-9]*' ]; }",
  ];
  return `${standIns.join("\n")}\n${moved}`;
}

function inputs(more: PropertyMap = {}): PropertyMap {
  return {
    host: "desk-1",
    connection: {
      host: "127.0.0.1",
      port: server.port,
      user: "pi",
      privateKey: new Secret(user.privateKey),
      hostKey: server.hostKeys[0]!.publicKey,
      sudo: false,
    },
    packages: [...broughtPackages(lab, desk)],
    mirrors: [mirror.host],
    script: script(),
    triggers: ["key"],
    ...more,
  };
}

/** Of the engine's log. */
const WARNING = 2;
const warnings = (): string =>
  driver.logs
    .filter(({ severity }) => severity === WARNING)
    .map(({ message }) => message)
    .join("\n");
const installed = (): Promise<string> => readFile(join(root, "installed"), "utf8").catch(() => "");
const forget = (): Promise<void> => rm(join(root, "installed"), { force: true });

test("a preview dials nobody; an `up` installs what is missing, through one connection; the next has nothing to do", async () => {
  await packages.preview(inputs());
  expect(server.connections()).toBe(0);
  await packages.up(inputs());
  expect(await installed()).toBe("chrony_4.3-1_all.deb\n");
  expect(server.connections()).toBe(1);
  expect(JSON.stringify(packages.state?.outputs)).not.toContain("PRIVATE KEY");
  expect(await packages.diff(inputs({ script: "another" }))).toEqual({});
  await expect(readFile(join(root, "bring/lists/lock"))).rejects.toThrow(/ENOENT/);

  // Another machine, on which all is there.
  await packages.up(inputs({ triggers: ["another key"] }));
  expect(server.commands.filter((command) => command.includes("'update'"))).toHaveLength(1);
});

test("what a host of another system needs, and this one's has not, is no reason to refuse", async () => {
  await packages.up(inputs({ script: script(["chrony", "chrony-of-another-release"]) }));
  expect(await installed()).toBe("chrony_4.3-1_all.deb\n");
});

test("without the mirror a second machine gets them out of the cache, with a warning", async () => {
  await packages.up(inputs());
  await mirror.stop();
  await forget();
  await restart();
  await packages.up(inputs());
  expect(await installed()).toBe("chrony_4.3-1_all.deb\n");
  expect(warnings()).toMatch(
    /desk-1: 127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED.*\), so its packages come from this machine's cache alone, by lists that are \d min old\./,
  );
});

test("lists past their date are taken from the cache alone, and only where nobody has newer ones", async () => {
  await packages.up(inputs());
  await forget();
  // They are of an hour ago.
  await writeFile(join(root, "apt.conf"), 'Acquire::Max-ValidTime "60";\n', { flag: "a" });
  await restart();
  await expect(packages.up(inputs())).rejects.toThrow(/desk-1: .*is expired/);
  await mirror.stop();
  await restart();
  await packages.up(inputs());
  expect(await installed()).toBe("chrony_4.3-1_all.deb\n");
  expect(warnings()).toMatch(/ old and past their date: it gets no newer security fixes/);
});

test("without mirror and cache the error names package, URL and remedy, and nothing is installed", async () => {
  await mirror.stop();
  await expect(packages.up(inputs())).rejects.toThrow(
    /desk-1: \S*Release cannot be had: http:\/\/127\.0\.0\.1:\d+\/debian\/dists\/test\/\S*: it is not in the cache, and 127\.0\.0\.1:\d+ does not answer .*npm run packages/,
  );
  expect(await installed()).toBe("");
});

test("a package that no source of the host has is told with what to look at", async () => {
  const own = (text: string): string =>
    text.replace(/^pi_packages=.*$/m, "pi_packages=('chrony' 'none-such')");
  await expect(
    packages.up(inputs({ script: own(script(["chrony", "none-such"])) })),
  ).rejects.toThrow(
    /desk-1: .*none-such.*Unable to locate package none-such\. Check its apt sources \(\/etc\/apt\)/,
  );
});

test("a server that forwards nothing, and a source that cannot be kept, are told with what to do", async () => {
  await restart(false);
  await expect(packages.up(inputs())).rejects.toThrow(
    /desk-1: 127\.0\.0\.1:\d+: the server does not forward a port: .*AllowTcpForwarding yes/,
  );
  await host("https://deb.example/debian");
  await restart();
  await expect(packages.up(inputs())).rejects.toThrow(
    /desk-1: packages from https:\/\/deb\.example\/debian\/ cannot come through this machine.*http:\/\//,
  );
  expect(await installed()).toBe("");
});

test("a host whose sources name the controlling machine itself gets nothing from there, unless the lab names it", async () => {
  await expect(packages.up(inputs({ mirrors: [] }))).rejects.toThrow(
    /desk-1: 127\.0\.0\.1:\d+ is a loopback address, from where nothing is fetched .*`packages\.mirrors`/,
  );
  await expect(packages.up(inputs({ mirrors: ["deb.example.org"] }))).rejects.toThrow(
    /desk-1: its apt sources name 127\.0\.0\.1:\d+, and `packages\.mirrors` has deb\.example\.org alone\. /,
  );
  expect(mirror.asked).toEqual([]);
  expect(await installed()).toBe("");
});

test("what is forwarded reaches us in both directions, and ends with the connection", async () => {
  const session = await connectSsh({
    host: "127.0.0.1",
    port: server.port,
    user: "pi",
    privateKey: user.privateKey,
    hostKey: server.hostKeys[0]!.publicKey,
  });
  const port = await session.forwardIn((stream) => stream.pipe(stream));
  const whole = "x".repeat(1_000_000);
  const echoed = await new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(whole));
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
  expect(echoed === whole).toBe(true);
  session.close();
  await expect(
    new Promise((resolve, reject) => {
      // The listener goes with the connection, in its own time.
      const dial = (left: number): void => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          if (left > 0) setTimeout(() => dial(left - 1), 20);
          else resolve("still there");
        });
        socket.on("error", reject);
      };
      dial(100);
    }),
  ).rejects.toThrow(/ECONNREFUSED/);
});
