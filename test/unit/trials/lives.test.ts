import { Lives, seenOfAnswer, seenOfState, type Seen } from "../../../trials/kill/lives";

/** A process that began at one second and is seen at another. */
const node = (nodeId: string, beganS = 1, seenS = 9): Seen => ({
  is: "node",
  nodeId,
  beganS,
  seenS,
});
const unseen: Seen = { is: "unseen", why: "exec failed" };
const idle: Seen = { is: "idle" };

function after(...looks: readonly Record<string, Seen>[]): Lives {
  const lives = new Lives();
  for (const look of looks) lives.add(new Map(Object.entries(look)));
  return lives;
}

test("one life each is no problem, wherever it moves", () => {
  const lives = after(
    { "pi-1": node("1", 1, 9), "pi-2": node("2", 1, 9), "pi-7": idle },
    { "pi-1": node("1", 1, 12), "pi-2": { is: "off" }, "pi-7": idle },
    { "pi-1": node("1", 1, 15), "pi-2": { is: "off" }, "pi-7": node("2", 11, 15) },
    { "pi-1": node("1", 1, 18), "pi-7": node("2", 11, 18) },
  );
  expect(lives.problems()).toEqual([]);
  expect(lives.notes()).toEqual(["each node's machines were looked at 4 times"]);
});

test("a node that runs on two machines is told once, with both", () => {
  const both = { "pi-7": node("1"), "pi-2": node("2"), "pi-1": node("1") };
  expect(after(both, both).problems()).toEqual(["node 1 ran on pi-1 and pi-7 at the same time"]);
});

test("a move between the answers of one look is no second life", () => {
  const look = { "pi-2": node("2", 1, 9.5), "pi-7": node("2", 9.6, 12) };
  expect(after(look).problems()).toEqual([]);
});

test("a second life is told also where no look saw both", () => {
  const told = ["node 2 ran on pi-2 and pi-7 at the same time"];
  const seenBefore = { "pi-2": node("2", 1, 9.5), "pi-7": idle };
  expect(after(seenBefore, { "pi-2": idle, "pi-7": node("2", 9.4, 12) }).problems()).toEqual(told);
  const anotherSince = { "pi-2": node("2", 10, 12), "pi-7": node("2", 9.4, 9.9) };
  expect(after(seenBefore, anotherSince).problems()).toEqual(told);
});

test("one that stands still lives on with what it ran", () => {
  const paused: Seen = { is: "paused" };
  expect(
    after(
      { "pi-1": node("1", 1, 9), "pi-7": idle },
      { "pi-1": paused, "pi-7": node("1", 20, 22) },
    ).problems(),
  ).toEqual(["node 1 ran on pi-1 and pi-7 at the same time"]);
  expect(
    after({ "pi-1": idle, "pi-7": idle }, { "pi-1": paused, "pi-7": node("1") }).problems(),
  ).toEqual([]);
});

test("one that stood still before anybody looked is unknown, not without a node", () => {
  const look = { "pi-1": { is: "paused" } as const, "pi-7": node("1") };
  expect(after(look, look).problems()).toEqual([
    "pi-1 was on and could not be looked at 2 times in a row (it was paused before it was looked at): whether a node ran twice meanwhile is not known",
  ]);
});

test("silence is no proof: looks that fail in a row are a problem, one between two that do not is told", () => {
  const good = { "pi-1": node("1") };
  const bad = { "pi-1": unseen };
  const once = after(good, bad, good, bad, good);
  expect(once.problems()).toEqual([]);
  expect(once.notes()).toContain("2 looks at pi-1 failed, the last: exec failed");
  expect(after(good, bad, bad, good).problems()).toEqual([
    "pi-1 was on and could not be looked at 2 times in a row (exec failed): whether a node ran twice meanwhile is not known",
  ]);
});

test("a look that fails as a whole is a failed one at each machine", () => {
  const lives = after({ "pi-1": node("1") });
  lives.addFailed("no Docker");
  lives.addFailed("no Docker");
  expect(lives.problems()).toEqual([
    "pi-1 was on and could not be looked at 2 times in a row (no Docker): whether a node ran twice meanwhile is not known",
  ]);
});

test("a watch that never saw a machine has shown nothing", () => {
  const lives = new Lives();
  lives.addFailed("no Docker");
  expect(lives.problems()).toEqual(["no machine was ever seen: nothing is known of its nodes"]);
});

test("only a machine that Docker says is off counts as off", () => {
  for (const state of ["created", "restarting", "exited", "dead", "removing"]) {
    expect(seenOfState(state)).toEqual({ is: "off" });
  }
  expect(seenOfState("running")).toBeUndefined();
  expect(seenOfState("paused")).toEqual({ is: "paused" });
  expect(seenOfState("asleep")).toMatchObject({ is: "unseen" });
});

test("an answer that is none leaves the machine unseen", () => {
  expect(seenOfAnswer("idle")).toEqual(idle);
  expect(seenOfAnswer("node 3 12345 130.07")).toEqual(node("3", 123.45, 130.07));
  for (const text of ["", "node", "node 3", "node  12 1.0", "node 3  1.0", "node 3 1 1.0\nidle"]) {
    expect(seenOfAnswer(text)).toMatchObject({ is: "unseen" });
  }
});
