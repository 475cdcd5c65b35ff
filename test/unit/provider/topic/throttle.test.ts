import type { Reassignment } from "../../../../provider/admin/port";
import {
  BrokerThrottle,
  brokersOnTopic,
  keysOnTopic,
  nameThrottled,
  throttleKeys,
} from "../../../../provider/topic/throttle";
import { adminWith } from "../../../support/kafka/admin-with";
import { ModelCluster } from "../../../support/kafka/model-cluster";

const LEADERS = "leader.replication.throttled.replicas";
const FOLLOWERS = "follower.replication.throttled.replicas";
const OURS = 1_000;

const move = (partition: number, from: readonly number[], to: readonly number[]) => ({
  partition,
  leader: from[0]!,
  from,
  to,
});

const cluster = (): ModelCluster => new ModelCluster([1, 2, 3, 4], [[1, 2]], 1);
const throttleOf = (model: ModelCluster): BrokerThrottle => {
  const admin = model.admin();
  return new BrokerThrottle(
    () => admin,
    () => OURS,
  );
};

describe("the keys on a topic", () => {
  test("name who sends and who receives of the partitions that copy, and nobody else", () => {
    const moves = [move(0, [1, 2], [1, 2, 3]), move(4, [2, 1], [3, 4]), move(5, [1, 2], [1])];
    expect(throttleKeys(moves)).toEqual({
      [LEADERS]: "0:1,0:2,4:2,4:1",
      [FOLLOWERS]: "0:3,4:3,4:4",
    });
    expect(throttleKeys([])).toEqual({});
    expect(throttleKeys([], [7, 8])).toEqual({ [FOLLOWERS]: "0:7,0:8" });
  });

  test("tell a later run which brokers are limited; what is set for all replicas is someone else's", () => {
    const keys = throttleKeys([move(0, [1, 2], [1, 2, 3])], [7]);
    expect(brokersOnTopic(keys).sort()).toEqual([1, 2, 3, 7]);
    expect(keysOnTopic({ [LEADERS]: "*", [FOLLOWERS]: "0:1", "retention.ms": "1" })).toEqual([
      FOLLOWERS,
    ]);
    expect(brokersOnTopic({ [LEADERS]: "*" })).toEqual([]);
  });

  test("are written where they differ, and what is set for all replicas is left alone", async () => {
    const model = cluster();
    const admin = model.admin();
    model.config[LEADERS] = "*";
    const keys = throttleKeys([move(0, [1, 2], [1, 2, 3])]);
    await nameThrottled(admin, "red", keys, false);
    expect(model.config).toEqual({ [LEADERS]: "*", [FOLLOWERS]: "0:3" });
    model.asked.length = 0;
    await nameThrottled(admin, "red", keys, true);
    expect(model.asked).toEqual(["describeTopic"]);
    await nameThrottled(admin, "red", {}, true);
    expect(model.config).toEqual({ [LEADERS]: "*" });
  });

  test("that were just set are removed also where the broker has not heard of them yet", async () => {
    const altered: unknown[] = [];
    const admin = adminWith({
      describeTopic: () => Promise.resolve(undefined),
      alterTopicConfig: (...args) => Promise.resolve(void altered.push(args)),
    });
    await nameThrottled(admin, "red", {}, true);
    expect(altered).toEqual([["red", {}, [LEADERS, FOLLOWERS]]]);
  });
});

/** As a topic's moves end. */
const release = (throttle: BrokerThrottle, brokers: readonly number[]) => {
  throttle.letGo(brokers);
  return throttle.clear(brokers);
};

describe("the brokers' limits", () => {
  test("are set where there are none; others' are told, and neither changed nor removed", async () => {
    const model = cluster();
    const throttle = throttleOf(model);
    model.rates.set(2, 7);
    throttle.hold([1, 2, 3]);
    await expect(throttle.limit([1, 2, 3])).resolves.toEqual(new Map([[2, 7]]));
    expect(Object.fromEntries(model.rates)).toEqual({ 1: OURS, 2: 7, 3: OURS });
    await expect(release(throttle, [1, 2, 3])).resolves.toEqual({ limited: [1, 3], away: [] });
    await expect(throttle.clear([1, 2, 3])).resolves.toEqual({ limited: [], away: [] });
    expect(Object.fromEntries(model.rates)).toEqual({ 2: 7 });
  });

  test("are shared by topics that move at once, and removed by the last one", async () => {
    const model = cluster();
    const throttle = throttleOf(model);
    throttle.hold([1, 2]);
    throttle.hold([2, 3]);
    await Promise.all([throttle.limit([1, 2]), throttle.limit([2, 3])]);
    await release(throttle, [1, 2]);
    expect([...model.rates.keys()].sort()).toEqual([2, 3]);
    await release(throttle, [2, 3]);
    expect([...model.rates.keys()]).toEqual([]);
  });

  test("of a run that was killed are ours by their value", async () => {
    const model = cluster();
    model.rates.set(1, OURS).set(2, OURS + 1);
    const throttle = throttleOf(model);
    throttle.hold([1, 2]);
    await release(throttle, [1, 2]);
    expect([...model.rates.keys()]).toEqual([2]);
  });

  test("stay while another process moves replicas there", async () => {
    const model = cluster();
    const moving: Reassignment[] = [
      { topic: "green", partition: 0, replicas: [1, 4], adding: [4], removing: [] },
    ];
    const admin = new Proxy(model.admin(), {
      get: (target, method) =>
        method === "listReassignments"
          ? () => Promise.resolve(moving)
          : (Reflect.get(target, method) as unknown),
    });
    const throttle = new BrokerThrottle(
      () => admin,
      () => OURS,
    );
    throttle.hold([1, 2]);
    await throttle.limit([1, 2]);
    await release(throttle, [1, 2]);
    expect([...model.rates.keys()]).toEqual([1]);
  });

  test("of brokers that do not serve are told", async () => {
    const model = cluster();
    const throttle = throttleOf(model);
    throttle.hold([1, 2]);
    await throttle.limit([1, 2]);
    model.stop(2);
    await expect(release(throttle, [1, 2])).resolves.toEqual({ limited: [1], away: [2] });
    expect([...model.rates.keys()]).toEqual([2]);
  });
});
