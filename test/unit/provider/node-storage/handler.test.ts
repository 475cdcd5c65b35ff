import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { CallContext, CreateRequest } from "../../../../plugins/common/rpc";
import { NodeStorageHandler } from "../../../../provider/node-storage/handler";
import type { OpenShell } from "../../../../provider/ssh/port";

const ids = { clusterId: "BBBBBBBBBBBBBBBBBBBBBB", directoryId: "CCCCCCCCCCCCCCCCCCCCCC" };
const META = `cluster.id=${ids.clusterId}\ndirectory.id=${ids.directoryId}\nnode.id=1\n`;

let root: string;
let dataDir: string;
/** Called before the format's command runs. */
let beforeFormat: () => Promise<void>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pi-lab-storage-"));
  dataDir = join(root, "data");
  beforeFormat = () => Promise.resolve();
  await mkdir(join(root, "bin"));
  await mkdir(dataDir);
  await writeFile(join(root, "bin/runuser"), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
  const java = `#!/bin/sh\necho format >>'${root}/calls'\necho "$@" >'${root}/arguments'\nprintf '${META.replaceAll("\n", "\\n")}' >'${dataDir}/meta.properties'\n`;
  await writeFile(join(root, "bin/java"), java, { mode: 0o755 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open: OpenShell = () =>
  Promise.resolve({
    close: () => undefined,
    run: async (command, { label = "" } = {}) => {
      if (label.startsWith("formatting")) await beforeFormat();
      const env = { ...process.env, PATH: `${root}/bin:${process.env["PATH"] ?? ""}` };
      const { stdout, stderr, status } = spawnSync("sh", ["-c", command], {
        env,
        encoding: "utf8",
      });
      return { stdout, stderr, code: status ?? 1 };
    },
  });

const context = {
  signal: new AbortController().signal,
  log: { status: () => undefined },
} as unknown as CallContext;

function create(servers: readonly string[], more: object = {}): Promise<unknown> {
  const handler = new NodeStorageHandler(open, { bootstrapServers: () => servers });
  const news = {
    ...ids,
    host: "broker-1",
    nodeId: 1,
    connection: { host: "10.0.42.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" },
    birthVoters: "1@broker-1:9093:x",
    configFile: "/etc/kafka/server.properties",
    dataDir,
    kafkaHome: "/opt/kafka/current",
    serviceUser: "kafka",
    ...more,
  };
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

test("a disk that another run formats after the look is not cleared", async () => {
  await writeFile(join(dataDir, "bootstrap.checkpoint"), "cut off");
  beforeFormat = () => writeFile(join(dataDir, "meta.properties"), META);
  await create([]);
  expect(await formats()).toBe("");
  await expect(readFile(join(dataDir, "bootstrap.checkpoint"), "utf8")).resolves.toBe("cut off");
});
