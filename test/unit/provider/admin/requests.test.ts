import { Reader, Writer } from "@platformatic/kafka";

import { joinServer, splitServer } from "../../../../provider/admin/kafka-link";
import { apiVersions } from "../../../../provider/admin/requests/api-versions";
import { parseFetchV11 } from "../../../../provider/admin/requests/fetch";
import {
  alterPartitionReassignmentsV0,
  electLeadersV2,
} from "../../../../provider/admin/requests/reassignments";
import { createTopicsV5 } from "../../../../provider/admin/requests/topics";
import type { Api } from "../../../../provider/admin/client";

interface Sent {
  readonly key: number;
  readonly version: number;
  readonly payload: string;
}

/** Sends a request to a server that has only this answer: gives what was sent, and how it is understood. */
async function exchange<Args extends unknown[], Response>(
  api: Api<Args, Response>,
  args: Args,
  answer: Writer,
): Promise<{ sent: Sent; response: Response }> {
  let sent: Sent | undefined;
  const connection = {
    send: (
      key: number,
      version: number,
      payload: () => Writer,
      parse: (correlation: number, key: number, version: number, reader: Reader) => Response,
      _requestTags: boolean,
      _responseTags: boolean,
      done: (error: Error | null, response: Response) => void,
    ) => {
      sent = { key, version, payload: payload().buffer.toString("hex") };
      done(null, parse(1, key, version, Reader.from(answer.buffer)));
    },
  };
  const response = await api.async(connection as never, ...args);
  return { sent: sent!, response };
}

test("a move names its replicas, and null takes one back", async () => {
  const answer = Writer.create().appendInt32(0).appendInt16(0).appendString(null);
  answer.appendArray(["red"], (writer, name) =>
    writer.appendString(name).appendArray([0, 1], (one, partition) =>
      one
        .appendInt32(partition)
        .appendInt16(partition === 0 ? 0 : 85)
        .appendString(null),
    ),
  );
  const targets = new Map<number, number[] | null>([
    [0, [3, 1]],
    [1, null],
  ]);
  const api = await alterPartitionReassignmentsV0();
  const { sent, response } = await exchange(
    api,
    ["red", targets, 1000],
    answer.appendTaggedFields(),
  );
  expect(sent).toEqual({
    key: 45,
    version: 0,
    // limit; 1 topic "red"; 2 partitions: 0 to [3, 1], 1 to null; tags at the end of each
    payload: [
      "000003e8",
      "0204726564",
      "03",
      "00000000",
      "030000000300000001",
      "00",
      "00000001",
      "00",
      "00",
      "00",
      "00",
    ].join(""),
  });
  expect(response.partitions.map(({ partition, errorCode }) => [partition, errorCode])).toEqual([
    [0, 0],
    [1, 85],
  ]);
});

test("an election's answer has no words of its own", async () => {
  const answer = Writer.create().appendInt32(0).appendInt16(0);
  answer.appendArray(["red"], (writer, name) =>
    writer
      .appendString(name)
      .appendArray([4], (one, partition) =>
        one.appendInt32(partition).appendInt16(84).appendString("leads already"),
      ),
  );
  const api = await electLeadersV2();
  const { sent, response } = await exchange(api, ["red", [4], 7], answer.appendTaggedFields());
  expect(sent.payload).toBe(["00", "0204726564", "0200000004", "00", "00000007", "00"].join(""));
  expect(response).toEqual({
    errorCode: 0,
    errorMessage: null,
    partitions: [{ topic: "red", partition: 4, errorCode: 84, errorMessage: "leads already" }],
  });
});

test("a topic with a placement is sent without numbers of its own, and tags of an answer are passed over", async () => {
  const answer = Writer.create().appendInt32(0).appendUnsignedVarInt(3);
  for (const [name, code] of [
    ["red", 0],
    ["green", 37],
  ] as const) {
    answer
      .appendString(name)
      .appendInt16(code)
      .appendString(code === 0 ? null : "no");
    answer
      .appendInt32(2)
      .appendInt16(2)
      .appendArray([], () => undefined);
    // One tag, 0, of 2 bytes: the settings of the new topic may not be told.
    answer.appendUnsignedVarInt(1).appendUnsignedVarInt(0).appendUnsignedVarInt(2).appendInt16(29);
  }
  const api = await createTopicsV5();
  const topic = { name: "red", partitions: 2, replicationFactor: 2, config: {} };
  const placed = {
    ...topic,
    placement: [
      [1, 2],
      [2, 1],
    ],
  };
  const { sent, response } = await exchange(api, [[placed, topic], 9], answer.appendTaggedFields());
  expect(sent.payload).toContain(
    "04726564" + "ffffffff" + "ffff" + "03" + "00000000" + "030000000100000002",
  );
  expect(sent.payload).toContain("04726564" + "00000002" + "0002" + "01" + "01");
  expect(response).toEqual([
    { name: "red", errorCode: 0, errorMessage: null },
    { name: "green", errorCode: 37, errorMessage: "no" },
  ]);
});

test("an old server's answer to a version that it does not know is its error alone", async () => {
  // In the first version's format, which is another one.
  const answer = Writer.create()
    .appendInt16(35)
    .appendInt32(1)
    .appendInt16(18)
    .appendInt16(0)
    .appendInt16(2);
  const { response } = await exchange(await apiVersions(4), [], answer);
  expect(response).toEqual({ errorCode: 35, versions: new Map(), supported: [], finalized: [] });
});

test("an answer to Fetch is read to its end, with and without records", () => {
  const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0);
  const partition = (index: number, records: Buffer | null) => {
    writer.appendInt32(index).appendInt16(0).appendInt64(9n).appendInt64(9n).appendInt64(0n);
    // One transaction that was aborted.
    writer.appendInt32(1).appendInt64(5n).appendInt64(6n).appendInt32(-1);
    writer.appendBytes(records, false);
  };
  writer.appendInt32(1).appendString("red", false).appendInt32(2);
  partition(3, Buffer.from("packed"));
  partition(4, null);
  expect(parseFetchV11(Reader.from(writer.buffer))).toEqual({
    errorCode: 0,
    partitions: [
      { partition: 3, errorCode: 0, highWatermark: 9n, packed: Buffer.from("packed") },
      { partition: 4, errorCode: 0, highWatermark: 9n, packed: Buffer.alloc(0) },
    ],
  });
});

test.each(["broker-1:9092", "10.0.42.1:1", "[fd00::1]:65535"])(
  "%s is split and joined",
  (server) => {
    const { host, port } = splitServer(server);
    expect(joinServer(host, port)).toBe(server);
  },
);
