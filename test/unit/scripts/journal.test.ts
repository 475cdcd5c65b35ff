import { execFileSync } from "node:child_process";
import { PassThrough, Writable } from "node:stream";
import { SshError, type SshTarget } from "../../../plugins/common/ssh";
import { journalCommand, journalQuery, printJournal } from "../../../scripts/lib/journal";
import { Output } from "../../../scripts/lib/output";
import { labFixture } from "../../support/lab-fixture";
import { generateKey, startSshServer, type TestServer } from "../../support/ssh/server";
import { waitFor } from "../../support/wait";

const { hosts } = labFixture();
const [broker, client] = [hosts[0]!, hosts[3]!];
const asked = {
  unit: undefined,
  all: false,
  lines: undefined,
  since: undefined,
  follow: false,
  json: false,
};

test("a broker's journal is Kafka's, another host's is all of it", () => {
  expect(journalQuery(broker, asked)).toMatchObject({ unit: "kafka", lines: 100 });
  expect(journalQuery(client, asked)).toMatchObject({ unit: undefined, lines: 100 });
  expect(journalQuery(broker, { ...asked, all: true }).unit).toBeUndefined();
  expect(journalQuery(broker, { ...asked, unit: "ssh" }).unit).toBe("ssh");
});

test("who names a time gets everything since, unless lines are counted", () => {
  expect(journalQuery(broker, { ...asked, since: "today" }).lines).toBeUndefined();
  expect(journalQuery(broker, { ...asked, since: "today", lines: 5 }).lines).toBe(5);
  expect(journalQuery(broker, { ...asked, lines: 0 }).lines).toBe(0);
});

/** What the command would be called with, as a shell on the host reads it. */
function words(command: string): string[] {
  const script = command.replace(/^('sudo' '-n' )?'journalctl'/, "printf '%s\\n'");
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
}

test("every word reaches journalctl as it was given", () => {
  const command = journalCommand(
    { unit: "it's; reboot", lines: 5, since: "10 min ago", follow: true, json: true },
    "pi",
  );
  expect(command).toMatch(/^'sudo' '-n' 'journalctl' /);
  expect(words(command)).toEqual([
    "--no-pager",
    "--quiet",
    "--unit=it's; reboot",
    "--lines=5",
    "--since=10 min ago",
    "--follow",
    "--output=json",
  ]);
});

test("root needs no sudo, and what is not asked for is left out", () => {
  const command = journalCommand(
    { unit: undefined, lines: undefined, since: undefined, follow: false, json: false },
    "root",
  );
  expect(command).toBe("'journalctl' '--no-pager' '--quiet' '--output=short-iso'");
});

describe("printing", () => {
  const client = generateKey();
  let server: TestServer;
  let target: SshTarget;
  beforeAll(async () => {
    server = await startSshServer({ authorizedKeys: [client.publicKey] });
    target = {
      host: "127.0.0.1",
      port: server.port,
      user: "pi",
      hostKey: server.hostKeys[0]!.publicKey,
      privateKey: client.privateKey,
    };
  });
  afterAll(() => server.close());

  function print(command: string, follow = false, to = target) {
    const stream = new PassThrough();
    let printed = "";
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const stop = new AbortController();
    const output = new Output(stream);
    const ended = printJournal(to, command, { follow, signal: stop.signal, output });
    return { stop, ended, printed: () => printed };
  }

  test("what the host prints comes out as it comes, and its status decides", async () => {
    const good = print("echo one; sleep 0.1; echo two");
    await expect(good.ended).resolves.toBe(0);
    expect(good.printed()).toBe("one\ntwo\n");
    await expect(print("exit 3").ended).resolves.toBe(1);
  });

  test.each([
    [true, 0],
    [false, 130],
  ])(
    "an interruption while following (%s) ends with %d, and nothing goes on",
    async (follow, code) => {
      const { stop, ended, printed } = print("echo one; exec sleep 600", follow);
      await waitFor("the first line", () => Promise.resolve(printed() === "" ? undefined : true));
      stop.abort();
      await expect(ended).resolves.toBe(code);
      await server.idle();
    },
  );

  test("a reader that leaves ends it, without a word", async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) =>
        done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    });
    const { signal } = new AbortController();
    const command = "while sleep 0.02; do echo more; done";
    const options = { follow: true, signal, output: new Output(stream) };
    await expect(printJournal(target, command, options)).resolves.toBe(0);
    await server.idle();
  });

  test("a host with another key than the pinned one is not talked to", async () => {
    const before = server.commands.length;
    const other = { ...target, hostKey: generateKey().publicKey };
    const { ended } = print("true", false, other);
    await expect(ended).rejects.toThrow(SshError);
    await expect(ended).rejects.toThrow(/another host key than the pinned one/);
    expect(server.commands.length).toBe(before);
  });
});
