import { partitionOfKey } from "../../../../scripts/lib/records/partitioner";

/** The hashes that Kafka's own tests name (UtilsTest.testMurmur2). */
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("the key %j goes where a Java client sends it", async (key, hash) => {
  for (const partitions of [1, 3, 50]) {
    const expected = (hash & 0x7fffffff) % partitions;
    expect(await partitionOfKey(Buffer.from(key), partitions)).toBe(expected);
  }
});
