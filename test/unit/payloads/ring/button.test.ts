import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ButtonSocket } from "../../../../payloads/ring/button";
import { isPress, press } from "../../../../payloads/ring/press";
import type { Outcome } from "../../../../payloads/ring/sender";
import { waitFor } from "../../../support/wait";

let folder: string;
let path: string;
let button: ButtonSocket | undefined;
let pressed: number;
let outcome: Outcome;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pi-lab-ring-"));
  path = join(folder, "button.sock");
  pressed = 0;
  outcome = { kind: "acknowledged", seq: 17 };
});

afterEach(async () => {
  await button?.close();
  button = undefined;
  rmSync(folder, { recursive: true });
});

async function open(): Promise<void> {
  const count = (): Promise<Outcome> => {
    pressed += 1;
    return Promise.resolve(outcome);
  };
  button = await ButtonSocket.open({ path, repeatPerSecond: 50, press: count });
}

async function run(...args: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const code = await press([...args, "--socket", path], (line) => lines.push(line));
  return { code, said: lines.join("\n") };
}

function dial(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(socket));
  });
}

test("pressed once, it sends once, and says what came of it", async () => {
  await open();
  expect(await run("--press")).toEqual({ code: 0, said: "acknowledged 17" });
  expect(pressed).toBe(1);
  outcome = { kind: "held-back", words: "50 alerts are not acknowledged yet" };
  expect(await run("--press")).toEqual({
    code: 1,
    said: "held-back 50 alerts are not acknowledged yet",
  });
});

test("held, it repeats at its rate, and no longer", async () => {
  await open();
  const { code, said } = await run("--hold", "0.5");
  expect(code).toBe(0);
  expect(said).toMatch(/^released \d+$/);
  // At 50 a second, on a machine that is busy.
  expect(pressed).toBeGreaterThanOrEqual(5);
  expect(pressed).toBeLessThanOrEqual(27);
  const before = pressed;
  await sleep(200);
  expect(pressed).toBe(before);
});

test("held by somebody whose connection ends, it is let go", async () => {
  await open();
  const socket = await dial();
  socket.write("hold\n");
  await waitFor("some alerts", () => Promise.resolve(pressed > 2 || undefined), { pauseMs: 10 });
  socket.destroy();
  await sleep(200);
  const before = pressed;
  await sleep(200);
  expect(pressed).toBe(before);
});

// A timer that was left would keep this run from its end.
test("who holds it is told when the ring ends, and waits no longer", async () => {
  await open();
  const held = run("--hold", "3600");
  await waitFor("an alert", () => Promise.resolve(pressed || undefined), { pauseMs: 10 });
  await button?.close();
  expect(await held).toEqual({ code: 1, said: "the ring has ended meanwhile" });
});

test("what is no command is answered, what is no line ends the connection", async () => {
  await open();
  const socket = (await dial()).setEncoding("utf8");
  let heard = "";
  socket.on("data", (chunk: string) => (heard += chunk));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write("shoot\n");
  await waitFor("an answer", () => Promise.resolve(heard || undefined), { pauseMs: 10 });
  expect(heard).toBe("error: no command: write press, hold or release\n");
  socket.write("x".repeat(200));
  await closed;
  expect(pressed).toBe(0);
});

test("a socket that a killed program left is replaced; its own is its group's alone", async () => {
  writeFileSync(path, "");
  await open();
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect((await run("--press")).code).toBe(0);
});

test("who presses where no ring runs is told what to look at", async () => {
  expect(await run("--press")).toEqual({
    code: 1,
    said: `${path}: the ring does not run here: look at \`systemctl status pi-lab-ring\``,
  });
});

test.each([
  [["--hold", "0"]],
  [["--hold", "soon"]],
  [["--press", "--hold", "3"]],
  [["--hold", "9999"]],
  [["--press", "more"]],
])("%j: the usage", async (args) => {
  expect(isPress(args)).toBe(true);
  const { code, said } = await run(...args);
  expect(code).toBe(1);
  expect(said).toMatch(/^node ring\.js --press/);
});

test("with a configuration it is the ring itself", () => {
  expect(isPress(["/etc/pi-lab/ring.json"])).toBe(false);
});
