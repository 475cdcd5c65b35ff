import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { KafkaAdmin } from "../../provider/admin/port";
import { KafkaError, PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

const METADATA_VERSION = "pilab:kafka/metadataVersion:MetadataVersion";
const [BORN, RAISED] = [25, 27];
const UPDATE = 4;

jest.setTimeout(120_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let driver: ProviderDriver;
let version: ResourceDriver;
/** Brokers that answer nobody. */
const silent = new Set<string>();

/** One broker of 4.1.1 in a cluster that was begun as 4.0's are. */
beforeAll(async () => {
  cluster = await StartedKafkaCluster.start({}, { count: 1, releaseVersion: "4.0" });
  admin = new PlatformaticAdmin([cluster.bootstrapServers], PATIENT);
  driver = await ProviderDriver.start(
    pilabProvider({
      connectAdmin: (servers, options): KafkaAdmin => {
        const living = servers.filter((server) => !silent.has(server));
        if (living.length > 0) return new PlatformaticAdmin(living, options);
        const refuse = () => Promise.reject(new KafkaError("unreachable", "nobody answers"));
        const close = () => Promise.resolve();
        return { describeFeatures: refuse, close } as Partial<KafkaAdmin> as KafkaAdmin;
      },
      openShell: () => Promise.reject(new Error("dialled a host")),
    }),
    { bootstrapServers: cluster.bootstrapServers },
  );
  version = driver.resource(METADATA_VERSION, "kafka-metadata-version");
});

afterAll(async () => {
  await driver?.stop();
  await admin?.close();
  await cluster?.stop();
});

const finalized = async (): Promise<number | undefined> =>
  (await admin.describeFeatures()).finalized["metadata.version"];

test("what the cluster has already is taken over as it is", async () => {
  await expect(version.up({ metadataVersion: "4.0-IV3" })).resolves.toBe("created");
  await expect(finalized()).resolves.toBe(BORN);
});

test("a step forward is marked as one-way in the preview, and is finalized", async () => {
  const news = { metadataVersion: "4.1-IV1" };
  await expect(version.diff(news)).resolves.toEqual({ metadataVersion: UPDATE, oneWay: UPDATE });
  expect((await version.checked(news))["oneWay"]).toMatch(
    /^one-way: from then on no Kafka older than 4\.1 can be a broker/,
  );
  expect(driver.logs.at(-1)).toMatchObject({
    message: expect.stringMatching(/^metadata version 4\.0-IV3 => 4\.1-IV1 is one-way/) as string,
  });
  await expect(version.up(news)).resolves.toBe("updated");
  await expect(finalized()).resolves.toBe(RAISED);
  await expect(version.up(news)).resolves.toBe("unchanged");
});

test("a step back is refused in the preview, also where no broker answers", async () => {
  const news = { metadataVersion: "4.0-IV3" };
  await expect(version.diff(news)).rejects.toThrow(
    /the metadata version 4\.1-IV1 is finalized, .*leave the key out/,
  );
  silent.add(cluster.bootstrapServers);
  await expect(version.diff(news)).rejects.toThrow(/4\.1-IV1 is finalized/);
  expect(driver.logs.at(-1)?.message).toMatch(
    /^no broker answers: .* the last known one, 4\.1-IV1/,
  );
  silent.clear();
});

test("one that no broker can read is refused with what they can, and nothing is changed", async () => {
  await expect(version.up({ metadataVersion: "4.2-IV1" })).rejects.toThrow(
    /4\.2-IV1 is not finalized, since not every broker can read it: 127\.0\.0\.1:\d+ runs a Kafka that knows 3\.3-IV3 to 4\.1-IV1\. Nothing was changed/,
  );
  await expect(finalized()).resolves.toBe(RAISED);
});

test("refresh tells what others have finalized; forgetting changes nothing", async () => {
  const { outputs } = version.known();
  version.state = { ...version.known(), outputs: { ...outputs, metadataVersion: "4.0-IV3" } };
  await version.refresh();
  expect(version.known().outputs).toMatchObject({ metadataVersion: "4.1-IV1" });
  await version.delete();
  await expect(finalized()).resolves.toBe(RAISED);
});

test("a stack that names an older one for the first time is refused in the preview", async () => {
  const late = driver.resource(METADATA_VERSION, "late");
  await expect(late.preview({ metadataVersion: "4.0-IV3" })).rejects.toThrow(
    /4\.1-IV1 is finalized/,
  );
});
