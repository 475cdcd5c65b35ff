import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import type { CallContext, CreateRequest, UpdateRequest } from "../../../../plugins/common/rpc";
import { NodeStorageHandler } from "../../../../provider/node-storage/handler";
import { KafkaError, type KafkaAdmin, type QuorumReplica } from "../../../../provider/admin/port";
import type { OpenShell } from "../../../../provider/ssh/port";

const ids = { clusterId: "BBBBBBBBBBBBBBBBBBBBBB", directoryId: "CCCCCCCCCCCCCCCCCCCCCC" };
const metaOf = (directoryId: string): string =>
  `cluster.id=${ids.clusterId}\ndirectory.id=${directoryId}\nnode.id=1\n`;
const META = metaOf(ids.directoryId);
const OTHER_ID = "-_DDDDDDDDDDDDDDDDDDDD";

/** `install` and `chown` want one that exists. */
const USER = userInfo().username;

let root: string;
let dataDir: string;
/** Called before the format's command runs. */
let beforeFormat: () => Promise<void>;

beforeEach(async () => {
  living = undefined;
  voters = [voter(1, ids.directoryId)];
  root = await mkdtemp(join(tmpdir(), "pi-lab-storage-"));
  dataDir = join(root, "data");
  beforeFormat = () => Promise.resolve();
  await mkdir(join(root, "bin"));
  await mkdir(dataDir);
  await mkdir(join(root, "etc/kafka"), { recursive: true });
  await writeFile(join(root, "etc/kafka/server.properties"), `node.id=1\nlog.dirs=${dataDir}\n`);
  await writeFile(join(root, "bin/runuser"), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
  // As Kafka's format: into the log directory that its configuration names; without voters, with an id that
  // it makes up itself.
  const java = [
    "#!/bin/sh",
    `echo format >>'${root}/calls'`,
    `echo "$@" >'${root}/arguments'`,
    `case "$*" in`,
    `  *--initial-controllers=*) id=${ids.directoryId} ;;`,
    `  *--no-initial-controllers*) id=made-up-by-format ;;`,
    `  *) exit 9 ;;`,
    `esac`,
    `for one; do case "$one" in --config=*) config=\${one#--config=} ;; esac; done`,
    `dir=$(sed -n 's/^log.dirs=//p' "$config")`,
    `echo bootstrap >"$dir/bootstrap.checkpoint"`,
    `printf '${metaOf("%s").replaceAll("\n", "\\n")}' "$id" >"$dir/meta.properties"`,
    "",
  ].join("\n");
  await writeFile(join(root, "bin/java"), java, { mode: 0o755 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open: OpenShell = () =>
  Promise.resolve({
    close: () => undefined,
    forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),

    run: async (command, { label = "" } = {}) => {
      if (label.startsWith("formatting")) await beforeFormat();
      const env = { ...process.env, PATH: `${root}/bin:${process.env["PATH"] ?? ""}` };
      const moved = command.replaceAll("/etc/kafka/", `${root}/etc/kafka/`);
      const { stdout, stderr, status } = spawnSync("sh", ["-c", moved], {
        env,
        encoding: "utf8",
      });
      return { stdout, stderr, code: status ?? 1 };
    },
  });

const context = {
  signal: new AbortController().signal,
  log: { status: () => undefined, info: () => undefined },
} as unknown as CallContext;

const inputs = () => ({
  ...ids,
  host: "broker-1",
  nodeId: 1,
  connection: { host: "10.0.42.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" },
  birthVoters: "1@broker-1:9093:x",
  configFile: "/etc/kafka/server.properties",
  dataDir,
  kafkaHome: "/opt/kafka/current",
  serviceUser: USER,
});

/** The id of the cluster that answers at the lab's addresses; undefined: none does. */
let living: string | undefined;
/** The quorum's voters; undefined: no controller answers. */
let voters: readonly QuorumReplica[] | undefined;

const voter = (id: number, directoryId: string): QuorumReplica => ({
  id,
  directoryId,
  behindMs: 0,
});

const access = (servers: readonly string[]) => ({
  bootstrapServers: () => servers,
  admin: () =>
    ({
      clusterId: () =>
        living === undefined
          ? Promise.reject(new KafkaError("unreachable", "no broker answers"))
          : Promise.resolve(living),
      listBrokers: () => Promise.resolve([{ id: 1, fenced: true }]),
      describeQuorum: () =>
        voters === undefined
          ? Promise.reject(new KafkaError("unreachable", "no controller answers"))
          : Promise.resolve({ leaderId: 2, voters, observers: [] }),
    }) as Partial<KafkaAdmin> as KafkaAdmin,
});

function create(servers: readonly string[], more: object = {}): Promise<unknown> {
  const handler = new NodeStorageHandler(open, access(servers));
  const news = { ...inputs(), ...more };
  return handler.create({ news, preview: false } as unknown as CreateRequest, context);
}
const formats = (): Promise<string> => readFile(join(root, "calls"), "utf8").catch(() => "");

test("a blank disk is formatted while no other broker answers", async () => {
  await create(["10.0.42.1:9092", "127.0.0.1:1"]);
  expect(await formats()).toBe("format\n");
});

test("a disk is formatted for the metadata version that the cluster is to be born with, if one is named", async () => {
  const releaseVersion = async () =>
    / --release-version=(\S+)/.exec(await readFile(join(root, "arguments"), "utf8"))?.[1];
  await create([]);
  await expect(releaseVersion()).resolves.toBeUndefined();
  await rm(join(dataDir, "meta.properties"));
  await create([], { birthMetadataVersion: "4.1-IV1" });
  await expect(releaseVersion()).resolves.toBe("4.1-IV1");
});

test("a blank disk stays blank while a broker of the cluster answers, which is named", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(create([address])).rejects.toThrow(
    `it is blank, and the cluster lives already: ${address} answers`,
  );
  expect(await formats()).toBe("");
  await new Promise((resolve) => server.close(resolve));
});

test("a broker that is no controller is formatted to join, with the id that is wanted", async () => {
  const result = await create([], { birthVoters: "2@controller-2:9093:x,3@controller-3:9093:y" });
  expect(result).toMatchObject({ id: ids.directoryId });
  await expect(readFile(join(dataDir, "meta.properties"), "utf8")).resolves.toBe(META);
  const flags = await readFile(join(root, "arguments"), "utf8");
  expect(flags).toContain("--no-initial-controllers");
  expect(flags).not.toContain("--initial-controllers=");
});

test("a blank disk stays blank while a controller alone answers", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(create(["127.0.0.1:1"], { birthControllers: [address] })).rejects.toThrow(
    `it is blank, and the cluster lives already: ${address} answers`,
  );
  expect(await formats()).toBe("");
  await new Promise((resolve) => server.close(resolve));
});

test("a disk that another run formats after the look is not cleared", async () => {
  await writeFile(join(dataDir, "bootstrap.checkpoint"), "cut off");
  beforeFormat = () => writeFile(join(dataDir, "meta.properties"), META);
  await create([]);
  expect(await formats()).toBe("");
  await expect(readFile(join(dataDir, "bootstrap.checkpoint"), "utf8")).resolves.toBe("cut off");
});

describe("a stack without its state", () => {
  const foreign = "EEEEEEEEEEEEEEEEEEEEEE";
  const theirs = `cluster.id=${foreign}\ndirectory.id=${OTHER_ID}\nnode.id=1\n`;

  test("takes over a disk of the cluster that lives at the lab's addresses, with the ids that it has", async () => {
    await writeFile(join(dataDir, "meta.properties"), theirs);
    living = foreign;
    const taken = await create([]);
    expect(taken).toMatchObject({
      id: OTHER_ID,
      outputs: { clusterId: foreign, directoryId: OTHER_ID },
    });
    // And from then on knows it by them.
    const { outputs } = taken as { outputs: object };
    const handler = new NodeStorageHandler(open, access([]));
    const request = { olds: outputs, oldInputs: inputs(), news: inputs(), preview: false };
    await expect(handler.update(request as unknown as UpdateRequest, context)).resolves.toEqual({
      outputs,
    });
    expect(await formats()).toBe("");
  });

  test("takes over a controller alone by the disk that the quorum knows, and by no other", async () => {
    const controllers = `cluster.id=${foreign}\ndirectory.id=${OTHER_ID}\nnode.id=7\n`;
    await writeFile(join(dataDir, "meta.properties"), controllers);
    living = foreign;
    voters = [voter(7, OTHER_ID)];
    await expect(create([], { nodeId: 7 })).resolves.toMatchObject({ id: OTHER_ID });
    voters = [voter(7, "another")];
    await expect(create([], { nodeId: 7 })).rejects.toThrow(/another identity/);
  });

  test("takes over nothing of another cluster, or while none lives", async () => {
    await writeFile(join(dataDir, "meta.properties"), theirs);
    await expect(create([])).rejects.toThrow(/another identity: clusterId E+, where this stack/);
    living = ids.clusterId;
    await expect(create([])).rejects.toThrow(/another identity: clusterId E+, where this stack/);
  });
});

describe("a node that is given another disk", () => {
  const update = (news: object, olds: object = inputs()) =>
    new NodeStorageHandler(open, access([])).update(
      { olds, news, preview: false } as unknown as UpdateRequest,
      context,
    );
  const other = () => ({ ...inputs(), directoryId: OTHER_ID });
  const onDisk = (): Promise<string> => readFile(join(dataDir, "meta.properties"), "utf8");

  test("a blank one is formatted to join, with the id that is wanted, and Kafka is held", async () => {
    await expect(update(other())).resolves.toMatchObject({ outputs: { directoryId: OTHER_ID } });
    await expect(onDisk()).resolves.toBe(metaOf(OTHER_ID));
    expect((await readdir(dataDir)).sort()).toEqual(["bootstrap.checkpoint", "meta.properties"]);
    expect(await readdir(root)).not.toContain("data.pi-lab-format");
    await expect(readFile(join(root, "etc/kafka/hold"), "utf8")).resolves.toMatch(
      /^broker-1 joins/,
    );
  });

  test("a blank one is refused while its id votes, or while nobody tells", async () => {
    voters = [voter(1, OTHER_ID)];
    await expect(update(other())).rejects.toThrow(
      `it is blank, though its directory id (${OTHER_ID}) votes. Mount the node's own disk`,
    );
    voters = undefined;
    await expect(update(other())).rejects.toThrow(
      /nobody tells whether its directory id still votes \(no controller answers\)\. Bring the other nodes back/,
    );
    expect(await formats()).toBe("");
  });

  test("one that has no folder for the data yet gets it, the service user's", async () => {
    await rm(dataDir, { recursive: true });
    await update(other());
    await expect(onDisk()).resolves.toBe(metaOf(OTHER_ID));
    expect((await stat(dataDir)).mode & 0o777).toBe(0o750);
  });

  test("without a folder the node's own disk is not mounted: nothing is made", async () => {
    await rm(dataDir, { recursive: true });
    await expect(update(inputs())).rejects.toThrow(/does not exist. Is its disk mounted/);
    expect(await readdir(root)).not.toContain("data");
  });

  test("formatted for it already, it is taken as it is", async () => {
    await writeFile(join(dataDir, "meta.properties"), metaOf(OTHER_ID));
    await update(other());
    expect(await formats()).toBe("");
  });

  test("the node's own disk that went along to another machine keeps its id", async () => {
    await writeFile(join(dataDir, "meta.properties"), META);
    const result = await update(other());
    expect(result.outputs).toMatchObject({ directoryId: ids.directoryId });
    expect(await formats()).toBe("");
    // A later look wants what the disk has, whatever is proposed.
    await expect(update(other(), result.outputs)).resolves.toEqual(result);
  });

  test("a disk of somebody else's is left alone", async () => {
    const foreign = metaOf("somebody-else");
    await writeFile(join(dataDir, "meta.properties"), foreign);
    await expect(update(other())).rejects.toThrow(/formatted with another identity: directoryId/);
    await expect(onDisk()).resolves.toBe(foreign);
  });

  test("a blank disk under the old id is refused, with the way out", async () => {
    await expect(update(inputs())).rejects.toThrow(/it is blank.*raise `disk` of that host/);
    expect(await formats()).toBe("");
  });

  test("a format that was cut off is begun anew", async () => {
    await mkdir(join(root, "data.pi-lab-format/data"), { recursive: true });
    await writeFile(join(dataDir, "bootstrap.checkpoint"), "cut off");
    await writeFile(join(dataDir, "meta.properties.pi-lab-new"), "");
    await update(other());
    await expect(onDisk()).resolves.toBe(metaOf(OTHER_ID));
    expect((await readdir(dataDir)).sort()).toEqual(["bootstrap.checkpoint", "meta.properties"]);
  });
});
