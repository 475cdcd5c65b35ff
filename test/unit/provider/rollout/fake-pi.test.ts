import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processId } from "../../../../scripts/lib/processes";
import { FakePi } from "../../../support/hosts/fake-pi";
import { waitFor } from "../../../support/wait";

let pi: FakePi;
let stranger: ChildProcess;
beforeEach(async () => {
  pi = await FakePi.make("stand-in", "sleep 1000");
  stranger = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1000)"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(stranger.stdout!, "data");
});
afterEach(async () => {
  stranger.kill("SIGKILL");
  await pi.remove();
});

const start = async (): Promise<void> => {
  await pi.stage({ version: "1", properties: {}, files: {} });
  await pi.shell().run("systemctl start kafka");
};

test("a number in a fake host's file that is a stranger's by now is no process of that host", async () => {
  for (const file of ["unit/supervisor", "unit/pid"]) {
    writeFileSync(join(pi.root, file), `${stranger.pid}\n`);
  }
  expect(await pi.pid()).toBeUndefined();
  await pi.kill();
  expect(stranger.signalCode).toBeNull();
  expect(() => process.kill(stranger.pid!, 0)).not.toThrow();
});

test("its own process ends by kill, and a stop forgets the numbers", async () => {
  await start();
  const pid = (await pi.pid())!;
  expect(pid).toBeGreaterThan(0);
  await pi.kill();
  await waitFor("the process to end", () =>
    Promise.resolve(processId(pid) === undefined ? true : undefined),
  );

  await pi.shell().run("systemctl start kafka");
  expect(await pi.pid()).toBeGreaterThan(0);
  await pi.shell().run("systemctl disable kafka");
  for (const file of ["unit/supervisor", "unit/pid"]) {
    expect(existsSync(join(pi.root, file))).toBe(false);
  }
});
