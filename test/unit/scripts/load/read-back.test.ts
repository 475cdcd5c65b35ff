import { KafkaError } from "../../../../provider/admin/port";
import { ReadBack } from "../../../../scripts/lib/load/read-back";
import { FakeTopic } from "../../../support/fake-topic";
import { waitFor } from "../../../support/wait";

const never = new AbortController().signal;
const opened: ReadBack[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((reader) => reader.close()));
});

async function begin(topic: FakeTopic): Promise<{ reader: ReadBack; values: string[] }> {
  const reader = await ReadBack.begin(topic, () => undefined, never);
  opened.push(reader);
  const values: string[] = [];
  reader.handTo(({ value }) => void values.push(value!.toString()));
  return { reader, values };
}

const until = (values: readonly string[], count: number) =>
  waitFor(`${count} records`, () => Promise.resolve(values.length >= count ? true : undefined), {
    deadlineMs: 5_000,
    pauseMs: 5,
  });

test("what comes after the beginning is handed on, and nothing of before", async () => {
  const topic = new FakeTopic(2);
  topic.put(0, "old 1", "old 2");
  const { reader, values } = await begin(topic);
  topic.put(0, "new 1");
  topic.put(1, "new 2", "new 3");
  await until(values, 3);
  expect(values.sort()).toEqual(["new 1", "new 2", "new 3"]);
  await expect(reader.unread(never)).resolves.toBe(0);
  expect(reader.gaps).toBe(0);
});

test("records that retention took first are counted as passed over", async () => {
  const topic = new FakeTopic();
  topic.put(0, "old");
  const { reader, values } = await begin(topic);
  // Nobody is served until the first two are gone.
  topic.fault = ({ call }) =>
    call === "fetch" ? new KafkaError("unreachable", "away", "NETWORK_EXCEPTION") : undefined;
  topic.put(0, "gone 1", "gone 2", "there");
  topic.starts[0] = 3n;
  await expect(reader.unread(never)).resolves.toBeGreaterThan(0);
  topic.fault = () => undefined;
  await until(values, 1);
  expect(values).toEqual(["there"]);
  expect(reader.gaps).toBe(2);
  await expect(reader.unread(never)).resolves.toBe(0);
});

test("a reading that does not begin in time is told with what helps", async () => {
  const topic = new FakeTopic();
  let asked = 0;
  // The ends are told, and then nobody answers any more.
  topic.fault = ({ call }) =>
    call === "bounds" && asked++ > 0
      ? new KafkaError("unreachable", "away", "NETWORK_EXCEPTION")
      : undefined;
  await expect(ReadBack.begin(topic, () => undefined, never, 50)).rejects.toThrow(
    /^red: no reading has begun within 0\.05 s.*npm run status/,
  );
});

test("ends that cannot be asked for are an error with the reason, and so is a reading that ended", async () => {
  const topic = new FakeTopic();
  const refused = new KafkaError("refused", "red: not allowed", "TOPIC_AUTHORIZATION_FAILED");
  topic.fault = () => refused;
  await expect(ReadBack.begin(topic, () => undefined, never)).rejects.toBe(refused);
  topic.fault = () => undefined;
  const { reader } = await begin(topic);
  expect(() => reader.assertAlive()).not.toThrow();
  topic.fault = ({ call }) => (call === "fetch" ? refused : undefined);
  await waitFor("the end of the reading", () => {
    try {
      reader.assertAlive();
      return Promise.resolve(undefined);
    } catch (error) {
      return Promise.resolve(error === refused ? true : undefined);
    }
  });
});
