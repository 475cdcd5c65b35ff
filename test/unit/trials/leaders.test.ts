import { newest, type TopicView } from "../../../trials/checker/leaders";

const view = (...leaders: [server: string | undefined, epoch: number][]): TopicView => ({
  topicId: "id",
  leaders: leaders.map(([server, epoch]) => ({ server, epoch })),
  brokers: leaders.flatMap(([server]) => server ?? []),
});

test("of what servers tell of a leader the highest epoch counts, whoever says it", () => {
  const stale = view(["a:1", 4], ["b:1", 9]);
  const fresh = view(["c:1", 5], ["b:1", 9]);
  const wanted = [
    { server: "c:1", epoch: 5 },
    { server: "b:1", epoch: 9 },
  ];
  expect(newest([stale, fresh]).leaders).toEqual(wanted);
  expect(newest([fresh, stale]).leaders).toEqual(wanted);
});

test("a partition without a leader is one until a higher epoch has one", () => {
  expect(newest([view(["a:1", 4]), view([undefined, 5])]).leaders[0]?.server).toBeUndefined();
  expect(newest([view([undefined, 4]), view(["a:1", 4])]).leaders[0]?.server).toBe("a:1");
});

test("all brokers that anybody knows are asked next time", () => {
  expect(newest([view(["a:1", 1]), view(["b:1", 2])]).brokers).toEqual(["a:1", "b:1"]);
});
