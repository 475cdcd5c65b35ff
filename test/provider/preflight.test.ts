import { readdir } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";

import type { PropertyMap } from "../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../plugins/common/rpc";
import { KafkaError, type KafkaAdmin } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { openFakeShells } from "../support/hosts/fake-pi";
import { FitPi } from "../support/hosts/fit-pi";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

/** The resource over gRPC, its own script in this machine's bash, on hosts that are folders. */

const PREFLIGHT = "pilab:lab/preflight:Preflight";
const CLUSTER = "BBBBBBBBBBBBBBBBBBBBBB";

let broker: FitPi;
let client: FitPi;
let driver: ProviderDriver;
let preflight: ResourceDriver;
/** The cluster that lives at the lab's addresses. */
let living: string | undefined;

beforeEach(async () => {
  [broker, client] = [await FitPi.make("10.0.42.1"), await FitPi.make("10.0.42.4")];
  living = undefined;
  const connectAdmin = (): KafkaAdmin =>
    ({
      clusterId: () =>
        living === undefined
          ? Promise.reject(new KafkaError("unreachable", "nobody answers"))
          : Promise.resolve(living),
      close: () => Promise.resolve(),
    }) as unknown as KafkaAdmin;
  const openShell = openFakeShells([broker.pi, client.pi]);
  driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell }), {
    bootstrapServers: "10.0.42.1:9092",
  });
  preflight = driver.resource(PREFLIGHT, "preflight");
});

afterEach(async () => {
  await driver.stop();
  await Promise.all([broker.remove(), client.remove()]);
});

interface Inputs {
  readonly keys?: { readonly broker?: string; readonly client?: string };
  readonly clientAddress?: string;
  readonly packagesFrom?: string;
  readonly packageMirrors?: readonly string[];
}

function inputs({
  keys = {},
  clientAddress = client.name,
  packagesFrom,
  packageMirrors = [],
}: Inputs = {}): PropertyMap {
  const machine = (host: string, hostKey: string): PropertyMap => ({
    connection: { host, port: 22, user: "pi", hostKey, privateKey: new Secret("PRIVATE") },
    identity: [hostKey],
    board: "pi-4b-8gb",
    ...(packagesFrom === undefined ? {} : { packagesFrom }),
    packageMirrors: [...packageMirrors],
  });
  return {
    clusterId: CLUSTER,
    hosts: {
      "broker-1": {
        ...machine(broker.name, keys.broker ?? "key-1"),
        role: "broker",
        kafka: {
          nodeId: 1,
          heapMib: 1024,
          clientPort: 9092,
          controllerPort: 9093,
          dataDir: broker.dataDir,
        },
      },
      "client-1": { ...machine(clientAddress, keys.client ?? "key-4"), role: "client" },
    },
  };
}

const dials = (): [number, number] => [broker.pi.dials, client.pi.dials];
const logged = (): string[] =>
  driver.logs.flatMap(({ severity, message }) => (severity >= 2 ? [message] : []));

async function refusalOf(news: PropertyMap): Promise<string> {
  const error = await preflight.up(news).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof Error)) throw new Error("it found nothing to refuse");
  return error.message;
}

test("fit machines pass without a word, are dialled once, and never again while they stay", async () => {
  expect(await preflight.up(inputs())).toBe("created");
  expect(logged()).toEqual([]);
  expect(preflight.known().outputs["checked"]).toEqual({
    "broker-1": { identity: ["key-1"], role: "broker", board: "pi-4b-8gb", warnings: [] },
    "client-1": { identity: ["key-4"], role: "client", board: "pi-4b-8gb", warnings: [] },
  });
  expect(dials()).toEqual([1, 1]);
  expect(await preflight.up(inputs())).toBe("unchanged");
  expect(dials()).toEqual([1, 1]);
  // Nothing of the measurement is left.
  expect(await readdir(join(broker.pi.root, "kafka"))).toEqual(["data"]);
});

test("all findings of all hosts are told at once, nothing is kept, and once mended it goes on", async () => {
  await broker.listener("0.0.0.0", 9092, "nginx", 812);
  await broker.process(812, "nginx.service", "nginx");
  await broker.file("kafka/data/meta.properties", "cluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\n");
  await broker.speed("16", "8");
  await client.program("bin/dpkg", "echo armhf");
  const told = await refusalOf(inputs());
  expect(told).toMatch(/not ready: 3 findings on 2 hosts; nothing was pushed/);
  expect(told).toMatch(/broker-1: port 9092 is taken by nginx 812 \(nginx\.service\)\. Stop it/);
  expect(told).toMatch(/broker-1: .*data is not used: .* another identity: clusterId A{22}, where/);
  expect(told).toMatch(
    /client-1: its programs are of 32 bits \(armhf, under a kernel of 64, aarch64\)/,
  );
  expect(told).toMatch(
    /would keep nothing from being pushed:\n {2}broker-1: .* 1\.0 MiB\/s can be written/,
  );
  expect(preflight.state).toBeUndefined();

  await broker.program("bin/ss", "");
  await broker.removeFile("kafka/data/meta.properties");
  await client.program("bin/dpkg", "echo arm64");
  expect(await preflight.up(inputs())).toBe("created");
  expect(logged()).toEqual([
    expect.stringMatching(/^broker-1: .* 1\.0 MiB\/s can be written/),
    expect.stringMatching(/^broker-1: .* a small write takes 250 ms/),
  ]);
  const { checked } = preflight.known().outputs as { checked: Record<string, PropertyMap> };
  expect(checked["broker-1"]?.["warnings"]).toEqual(logged());
});

test("the disk of the cluster that lives is taken over, as one of another cluster is not", async () => {
  const id = "AAAAAAAAAAAAAAAAAAAAAA";
  await broker.file("kafka/data/meta.properties", `cluster.id=${id}\nnode.id=1\ndirectory.id=x\n`);
  living = "CCCCCCCCCCCCCCCCCCCCCC";
  expect(await refusalOf(inputs())).toMatch(/clusterId A{22}, where this stack wants C{22}/);
  living = id;
  expect(await preflight.up(inputs())).toBe("created");
});

test("another machine for one host is looked at, and the others are not again", async () => {
  await preflight.up(inputs());
  expect(await preflight.diff(inputs({ keys: { client: "key-7" } }))).toEqual({
    "hosts.client-1.identity": UPDATE,
  });
  await client.file("proc/meminfo", "MemTotal:        1892000 kB\n");
  await client.program("bin/systemd-detect-virt", "exit 1");
  await client.removeFile("run/systemd");
  expect(await refusalOf(inputs({ keys: { client: "key-7" } }))).toMatch(
    /client-1: systemd does not run it/,
  );
  expect(dials()).toEqual([1, 2]);
  // The old machine still counts as checked: giving it back changes nothing.
  expect(await preflight.up(inputs())).toBe("unchanged");

  await client.file("run/systemd/system/.keep", "");
  expect(await preflight.up(inputs({ keys: { client: "key-7" } }))).toBe("updated");
  expect(dials()).toEqual([1, 3]);
  expect(logged()).toEqual([expect.stringMatching(/client-1: it has 1847 MiB of memory/)]);
});

test("another address of the same machine is nothing new", async () => {
  await preflight.up(inputs());
  expect(await preflight.up(inputs({ clientAddress: "10.0.42.99" }))).toBe("unchanged");
});

test("a preview dials nobody, whether or not it knows the machines", async () => {
  const news = inputs();
  const unknown = {
    clusterId: UNKNOWN,
    hosts: {
      "broker-1": {
        ...(news["hosts"] as Record<string, PropertyMap>)["broker-1"],
        identity: [UNKNOWN],
      },
    },
  };
  expect(await preflight.check(unknown)).toEqual([]);
  await driver.client.create(preflight.urn, unknown, { preview: true });
  await preflight.up(news);
  expect(await preflight.diff(unknown)).toEqual({ "hosts.broker-1.identity": UPDATE });
  expect(dials()).toEqual([1, 1]);
});

test("a login without sudo is told with all else that such a login may see", async () => {
  await broker.program("bin/sudo", "echo 'sudo: a password is required' >&2; exit 1");
  await broker.program("bin/getconf", "echo 65536");
  await broker.program("bin/apt-get", "");
  const told = await refusalOf(inputs());
  expect(told).toMatch(
    /broker-1: pi may not use sudo without a password \(sudo: a password is required\)\. .*sudoers\.d/,
  );
  expect(told).toMatch(/broker-1: its memory has pages of 64 KiB/);
});

test("a host that does not understand the script is told as such", async () => {
  await broker.program("bin/bash", "echo 'not here' >&2; exit 127");
  expect(await refusalOf(inputs())).toMatch(
    /broker-1: the look at it broke off with status 127 \(not here\)/,
  );
});

describe("packages", () => {
  let mirror: Server;
  beforeEach(async () => {
    mirror = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await new Promise((resolve) => mirror.once("listening", resolve));
    const { port } = mirror.address() as AddressInfo;
    await client.removeFile("usr/sbin/chronyd");
    await client.file(
      "etc/apt/sources.list.d/debian.sources",
      `Types: deb\nURIs: http://127.0.0.1:${port}/debian\nSuites: bookworm\n`,
    );
    await client.program("bin/apt-config", "");
  });
  const close = (): Promise<void> => new Promise((resolve) => mirror.close(() => resolve()));
  afterEach(() => (mirror.listening ? close() : undefined));

  test("a mirror that answers is nothing to speak of", async () => {
    await preflight.up(inputs());
    expect(logged()).toEqual([]);
  });

  test("one that does not is a warning that names it", async () => {
    await close();
    await preflight.up(inputs());
    expect(logged()).toEqual([
      expect.stringMatching(
        /^client-1: packages are to be installed, and 127\.0\.0\.1:\d+, .* does not answer\. /,
      ),
    ]);
  });

  test("where packages come through this machine, it is asked instead of the host, which tells its sources", async () => {
    await client.program("bin/timeout", "exit 1");
    const through = {
      packagesFrom: "controller",
      packageMirrors: [`127.0.0.1:${(mirror.address() as AddressInfo).port}`],
    };
    await preflight.up(inputs(through));
    expect(logged()).toEqual([]);
    // The look sees sources that are switched off as well: the push of packages refuses those that are not.
    await preflight.up(inputs({ packagesFrom: "controller", keys: { client: "another one" } }));
    expect(logged()).toEqual([
      expect.stringMatching(
        /^client-1: 127\.0\.0\.1:\d+ is a loopback address.*`packages\.mirrors`/,
      ),
    ]);
    await close();
    await preflight.up(inputs({ ...through, keys: { client: "another" } }));
    expect(logged().slice(1)).toEqual([
      expect.stringMatching(
        /^client-1: packages are to be installed through this machine, which 127\.0\.0\.1:\d+ does not answer, and whose cache has nothing from there\. /,
      ),
    ]);
    await client.file("etc/apt/sources.list.d/debian.sources", "URIs: https://a.example/debian\n");
    expect(
      await refusalOf(inputs({ packagesFrom: "controller", keys: { client: "a third" } })),
    ).toMatch(
      /client-1: its packages are to come through this machine.*not from https:\/\/a\.example/,
    );
  });

  test("behind a proxy it is the proxy that must answer, and its password is not told", async () => {
    await client.program("bin/apt-config", "echo \"proxy='http://user:secret@127.0.0.1:1/'\"");
    await preflight.up(inputs());
    expect(logged()).toEqual([expect.stringMatching(/and 127\.0\.0\.1:1, where/)]);
    expect(logged().join()).not.toMatch(/secret/);
  });
});

/** The wire's number of an update in a detailed diff. */
const UPDATE = 4;
