import type { CallContext, PropertyMap } from "../../../../plugins/common/rpc";
import { Secret } from "../../../../plugins/common/rpc";
import { SshError } from "../../../../plugins/common/ssh";
import { LeftMachinesHandler } from "../../../../provider/left-machines/handler";
import type { HostShell, Login, OpenOptions } from "../../../../provider/ssh/port";

const machine = (n: number, move: number): PropertyMap => ({
  ...{ move, host: `10.0.42.${n}`, port: 22, user: "pi", hostKey: `key-${n}`, sudo: true },
});
const host = (moves: number, ...machines: PropertyMap[]): PropertyMap => ({ moves, machines });

interface Ran {
  readonly login: Login;
  readonly options: OpenOptions;
  readonly command: string;
  readonly stdin: string | undefined;
}

/** Machines by address: what a dial of each ends with. */
function handlerOn(answers: Record<string, SshError | { code: number; stdout: string }>) {
  const ran: Ran[] = [];
  const told: string[] = [];
  let open = 0;
  const handler = new LeftMachinesHandler((login, options) => {
    const answer = answers[login.host];
    if (answer === undefined) throw new Error(`nobody was to dial ${login.host}`);
    if (answer instanceof SshError) return Promise.reject(answer);
    open++;
    const shell: HostShell = {
      close: () => open--,
      forwardIn: () => Promise.reject(new Error("nothing is forwarded")),
      run: (command, { stdin } = {}) => {
        ran.push({ login, options, command, stdin });
        return Promise.resolve({ ...answer, stderr: answer.code === 0 ? "" : "it does not stop" });
      },
    };
    return Promise.resolve(shell);
  });
  const log = (kind: string) => (line: string) => void told.push(`${kind} ${line}`);
  const context: CallContext = {
    signal: new AbortController().signal,
    log: {
      status: () => undefined,
      ...{ info: log("info"), warn: log("warn"), error: log("error"), debug: log("debug") },
    },
  };
  const given = (hosts: PropertyMap): PropertyMap => ({
    ...{ hosts, script: "the script", privateKey: new Secret("the key") },
  });
  const request = {
    ...{ id: "id", name: "left-machines", urn: "urn", type: "type" },
    ...{ ignoreChanges: [], timeoutSeconds: 0, oldInputs: {} },
  };
  return {
    ...{ ran, told },
    leftOpen: () => open,
    diff: (olds: PropertyMap, hosts: PropertyMap) =>
      handler.diff({ ...request, olds: { hosts: olds }, news: given(hosts) }).detailedDiff,
    create: (hosts: PropertyMap) =>
      handler.create({ ...request, news: given(hosts), preview: false }, context),
    update: async (olds: PropertyMap, hosts: PropertyMap, preview = false) => {
      const news = given(hosts);
      return handler.update({ ...request, olds: { hosts: olds }, news, preview }, context);
    },
  };
}

const DONE = { code: 0, stdout: "pi-lab-ring pi-lab-telemetry\n" };
const moved = { "client-2": host(1, machine(8, 1)) };

test("a lab without moves dials nobody", async () => {
  const { create, diff } = handlerOn({});
  expect(diff({}, {})).toEqual({});
  expect(await create({})).toEqual({ id: "left-machines", outputs: { hosts: {} } });
});

test("a move shows in the diff, and its preview dials nobody", async () => {
  const { diff, update } = handlerOn({});
  expect(diff({}, moved)).toEqual({ "hosts.client-2": { kind: "add", inputDiff: true } });
  const again = { "client-2": host(2, machine(9, 2), machine(8, 1)) };
  expect(diff(moved, again)).toEqual({
    "hosts.client-2.moves": { kind: "update", inputDiff: true },
  });
  expect(diff(moved, moved)).toEqual({});
  expect(await update({}, moved, true)).toEqual({ outputs: { hosts: moved } });
});

test("a host that is no more is forgotten, so that the first move of another one of its name counts", () => {
  const { diff } = handlerOn({});
  const moved = { "client-1": host(1, machine(4, 1)) };
  expect(diff(moved, {})).toEqual({ "hosts.client-1": { kind: "delete", inputDiff: true } });
  // What the run after that finds.
  expect(diff({}, { "client-1": host(1, machine(7, 1)) })).toEqual({
    "hosts.client-1": { kind: "add", inputDiff: true },
  });
});

test("where fewer moves are told than were seen to, they are another host's, and the first is due", async () => {
  const { ran, update } = handlerOn({ "10.0.42.7": { code: 0, stdout: "" } });
  await update(
    { "client-1": host(2, machine(5, 2), machine(4, 1)) },
    { "client-1": host(1, machine(7, 1)) },
  );
  expect(ran.map(({ login }) => login.host)).toEqual(["10.0.42.7"]);
});

test("the machine that was left is logged in to with the lab's key, runs the script, and is told", async () => {
  const { ran, told, leftOpen, update } = handlerOn({ "10.0.42.8": DONE });
  expect(await update({}, moved)).toEqual({ outputs: { hosts: moved } });
  expect(ran).toMatchObject([
    {
      login: { host: "10.0.42.8", user: "pi", hostKey: "key-8", sudo: true, privateKey: "the key" },
      ...{ command: "bash -s", stdin: "the script" },
    },
  ]);
  // One that is off must cost seconds.
  const { retries = 0, dialTimeoutMs = Infinity } = ran[0]!.options;
  expect((retries + 1) * dialTimeoutMs).toBeLessThanOrEqual(30_000);
  expect(told).toEqual([
    "info client-2: stopped on its former machine (10.0.42.8): pi-lab-ring pi-lab-telemetry",
  ]);
  expect(leftOpen()).toBe(0);
});

test("only the machine that its services were started on is dialled, and none that a host is on", async () => {
  const thrice = host(3, machine(10, 3), machine(9, 2), machine(8, 1));
  const { ran, update, create } = handlerOn({ "10.0.42.8": DONE, "10.0.42.9": DONE });
  // Two edits were cut off before anything was started.
  await create({ "client-2": thrice });
  await update({ "client-2": host(1) }, { "client-2": thrice });
  expect(ran.map(({ login }) => login.host)).toEqual(["10.0.42.8", "10.0.42.9"]);
  const rented = { ...machine(10, 3), tenant: "client-1" };
  await update({ "client-2": host(2) }, { "client-2": host(3, rented) });
  expect(ran).toHaveLength(2);
});

test.each([
  ["unreachable", /its former machine \(10\.0\.42\.8\) does not answer; it is taken for gone/],
  ["dial_timeout", /its former machine \(10\.0\.42\.8\) does not answer; it is taken for gone/],
  ["host_key_mismatch", /another machine answers at 10\.0\.42\.8; it is taken for gone/],
] as const)("one that is gone (%s) is warned of, and holds nothing up", async (code, warning) => {
  const { told, update } = handlerOn({ "10.0.42.8": new SshError(code, "no") });
  expect(await update({}, moved)).toEqual({ outputs: { hosts: moved } });
  expect(told).toEqual([expect.stringMatching(/^warn client-2: /)]);
  expect(told.join()).toMatch(warning);
});

test("one that answers and lets nobody in, or whose services do not stop, ends the `up`, once all others are quiet", async () => {
  const { ran, leftOpen, update } = handlerOn({
    "10.0.42.7": new SshError("auth_refused", "it does not know our key"),
    "10.0.42.8": { code: 1, stdout: "" },
    "10.0.42.9": DONE,
  });
  const all = {
    "client-1": host(1, machine(7, 1)),
    "client-2": host(1, machine(8, 1)),
    "data-1": host(1, machine(9, 1)),
  };
  const failed = await update({}, all).then(
    () => "",
    (error: Error) => error.message,
  );
  expect(failed).toMatch(
    /client-1: its former machine answers, but its services cannot be stopped there: it does not know our key\. Let/,
  );
  expect(failed).toMatch(
    /client-2: its services on its former machine \(10\.0\.42\.8\) were not stopped \(status 1\): it does not stop/,
  );
  expect(ran.map(({ login }) => login.host)).toContain("10.0.42.9");
  expect(leftOpen()).toBe(0);
});

test("a machine that two hosts have left is stopped once", async () => {
  const { ran, told, create } = handlerOn({ "10.0.42.8": DONE });
  await create({ "client-1": host(1, machine(8, 1)), "client-2": host(1, machine(8, 1)) });
  expect(ran).toHaveLength(1);
  expect(told.join()).toMatch(/^info client-1, client-2: stopped/);
});
