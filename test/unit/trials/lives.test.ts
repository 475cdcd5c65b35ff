import { Lives, seenOfAnswer, seenOfState, type Seen } from "../../../trials/kill/lives";

const node = (nodeId: string): Seen => ({ is: "node", nodeId });
const unseen: Seen = { is: "unseen", why: "exec failed" };
const idle: Seen = { is: "idle" };

function after(...looks: readonly Record<string, Seen>[]): Lives {
  const lives = new Lives();
  for (const look of looks) lives.add(new Map(Object.entries(look)));
  return lives;
}

test("one life each is no problem, wherever it moves", () => {
  const lives = after(
    { "pi-1": node("1"), "pi-2": node("2"), "pi-7": idle },
    { "pi-1": node("1"), "pi-2": { is: "off" }, "pi-7": idle },
    { "pi-1": node("1"), "pi-2": { is: "off" }, "pi-7": node("2") },
    { "pi-1": node("1"), "pi-7": node("2") },
  );
  expect(lives.problems()).toEqual([]);
  expect(lives.notes()).toEqual(["each node's machines were looked at 4 times"]);
});

test("a node that runs on two machines is told once, with both", () => {
  const both = { "pi-7": node("1"), "pi-2": node("2"), "pi-1": node("1") };
  expect(after(both, both).problems()).toEqual(["node 1 ran on pi-1 and pi-7 at the same time"]);
});

test("one that stands still lives on with what it ran", () => {
  const paused: Seen = { is: "paused" };
  expect(
    after({ "pi-1": node("1"), "pi-7": idle }, { "pi-1": paused, "pi-7": node("1") }).problems(),
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
  expect(seenOfAnswer("node 3")).toEqual(node("3"));
  for (const text of ["", "node", "node ", "node x", "node 3\nnode 4"]) {
    expect(seenOfAnswer(text)).toMatchObject({ is: "unseen" });
  }
});
