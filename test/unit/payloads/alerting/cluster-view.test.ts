import { ClusterView } from "../../../../payloads/alerting/cluster-view";

const brokers = [1, 2, 3].map((nodeId) => ({
  ...{ host: `broker-${nodeId}`, nodeId, address: `10.0.42.${nodeId}:9092` },
}));
const topics = [{ name: "red", minInsyncReplicas: 2 }];

/** What a broker says of red's one partition. */
const says = (leaderId: number, isrNodes: number[], errorCode = 0) => ({
  topics: [
    {
      ...{ errorCode, name: "red", topicId: "x", isInternal: false, topicAuthorizedOperations: 0 },
      partitions: [
        {
          ...{ errorCode: 0, partitionIndex: 0, leaderId, leaderEpoch: 1, isrNodes },
          ...{ replicaNodes: [1, 2, 3], offlineReplicas: [] },
        },
      ],
    },
  ],
});

const weak = (inSync: number) => [{ topic: "red", partition: 0, inSync, needed: 2 }];

function view(...answers: (ReturnType<typeof says> | undefined)[]): ClusterView {
  const made = new ClusterView({ topics, brokers });
  answers.forEach((answer, i) => made.says(`broker-${i + 1}`, answer));
  return made;
}

test("nobody knows while nobody answers", () => {
  expect(view().weak()).toBeUndefined();
  expect(view().serves(["red"])).toBe(false);
  expect(view(says(1, [1, 2]), undefined).weak()).toEqual([]);
});

test("a partition is weak when most of those who answer say so", () => {
  const [well, ill] = [says(1, [1, 2, 3]), says(1, [1])];
  expect(view(well, ill, ill).weak()).toEqual(weak(1));
  // One is cut off from the others, or has just come back.
  expect(view(well, well, ill).weak()).toEqual([]);
  expect(view(well, ill).weak()).toEqual([]);
  expect(view(undefined, ill, ill).weak()).toEqual(weak(1));
});

test("one that nobody leads has nobody in sync; a topic that is not there has no partition", () => {
  expect(view(says(-1, [1, 2])).weak()).toEqual(weak(0));
  expect(view(says(-1, [], 3)).weak()).toEqual([]);
});

test("a topic serves while its leaders answer and take writes", () => {
  const well = view(says(1, [1, 2]), says(1, [1, 2]), says(1, [1, 2]));
  expect(well.serves(["red"])).toBe(true);
  well.is("broker-2", false);
  expect(well.serves(["red"])).toBe(true);
  well.is("broker-1", false);
  expect(well.serves(["red"])).toBe(false);
  expect(well.serves(["green"])).toBe(true);
  well.is("broker-1", true);
  expect(well.serves(["red"])).toBe(true);
  expect(view(says(1, [1])).serves(["red"])).toBe(false);
});
