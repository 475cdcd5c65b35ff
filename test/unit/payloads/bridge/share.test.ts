import * as fc from "fast-check";
import { planSessions } from "../../../../payloads/bridge/routes";
import {
  sessionsToEnd,
  sessionsToServe,
  type Peer,
  type View,
} from "../../../../payloads/bridge/share";

const routes = [
  { from: "a/+", topic: "a", key: "{1}" },
  { from: "b/#", topic: "b", key: "{topic}" },
];
const bridges = ["data-1", "data-2", "data-3"];
const sessions = planSessions(routes, bridges.length);
const ids = (of: readonly { readonly id: string }[]) => of.map(({ id }) => id).sort();

const peer = (serves: readonly string[], subscribed = serves): Peer => ({
  serves: new Set(serves),
  subscribed: new Set(subscribed),
});

function view(me: string, more: Partial<View> = {}): View {
  return {
    ...{ me, bridges, sessions, peers: new Map(), noted: [], settled: true },
    ...{ serving: new Set<string>(), subscribed: new Set<string>() },
    ...more,
  };
}

it("has each session served by one living bridge, whichever of them live", () => {
  fc.assert(
    fc.property(fc.subarray(bridges, { minLength: 1 }), (alive) => {
      const served = alive.flatMap((me) => {
        const peers = new Map(
          alive.filter((one) => one !== me).map((one) => [one, peer([])] as const),
        );
        return ids(sessionsToServe(view(me, { peers })));
      });
      expect(served.sort()).toEqual(ids(sessions));
    }),
  );
});

it("shares every route while all live", () => {
  const peers = new Map([
    ["data-2", peer([])],
    ["data-3", peer([])],
  ]);
  const own = sessionsToServe(view("data-1", { peers }));
  expect(own.map(({ route, slice }) => [route.from, slice])).toEqual([
    ["a/+", 0],
    ["b/#", 0],
  ]);
});

it("takes nothing new before the others had time to say that they live, and keeps what it has", () => {
  const [first] = sessions;
  expect(sessionsToServe(view("data-1", { settled: false }))).toEqual([]);
  const serving = new Set([first!.id]);
  expect(sessionsToServe(view("data-1", { settled: false, serving }))).toEqual([first]);
});

it("waits for a stand-in to leave, and the stand-in leaves when it sees the other live", () => {
  const [first] = sessions;
  const standIn = new Map([["data-2", peer([first!.id])]]);
  expect(ids(sessionsToServe(view("data-1", { peers: standIn })))).not.toContain(first!.id);
  const returned = new Map([["data-1", peer([])]]);
  const serving = new Set([first!.id]);
  expect(ids(sessionsToServe(view("data-2", { peers: returned, serving })))).not.toContain(
    first!.id,
  );
});

describe("sessions of a former configuration", () => {
  const former = planSessions(routes, 1);
  const covered = new Set(ids(sessions));

  it("are ended by the first bridge alone, once the present ones have their subscriptions", () => {
    const noted = [...former, ...sessions];
    expect(sessionsToEnd(view("data-1", { noted, subscribed: covered }))).toEqual(former);
    const mine = new Set(ids(sessions).slice(1));
    expect(sessionsToEnd(view("data-1", { noted, subscribed: mine }))).toEqual([]);
    const peers = new Map([["data-2", peer(ids(sessions).slice(0, 1))]]);
    expect(sessionsToEnd(view("data-1", { noted, subscribed: mine, peers }))).toEqual(former);
    const first = new Map([["data-1", peer([])]]);
    expect(sessionsToEnd(view("data-2", { noted, subscribed: covered, peers: first }))).toEqual([]);
  });

  it("are left to a bridge that still serves them, one that is removed say", () => {
    const peers = new Map([["data-9", peer([former[0]!.id])]]);
    const seen = view("data-1", { noted: former, subscribed: covered, peers });
    expect(sessionsToEnd(seen)).toEqual([former[1]]);
  });

  it("are left alone while it is not known who lives", () => {
    const seen = view("data-1", { noted: former, subscribed: covered, settled: false });
    expect(sessionsToEnd(seen)).toEqual([]);
  });
});
