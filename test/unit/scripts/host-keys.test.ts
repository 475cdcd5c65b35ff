import { spawn } from "node:child_process";
import { createServer, type AddressInfo, type Server } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprint, parseHostKey } from "../../../plugins/common/ssh";
import {
  planHostKeys,
  renderFindings,
  withHostKeys,
  type ScannedMachine,
} from "../../../scripts/lib/host-key-plan";
import { scanHostKey } from "../../../scripts/lib/host-key-scan";
import { CHECKOUT } from "../../../scripts/lib/lab-folder";
import { generateKey, startSshServer, type TestServer } from "../../support/ssh/server";

const ed25519 = generateKey();
const own = withoutComment(ed25519.publicKey);
const other = withoutComment(generateKey().publicKey);

function withoutComment(key: string): string {
  return key.trim().split(" ").slice(0, 2).join(" ");
}

let server: TestServer;
beforeAll(async () => {
  // Another kind beside it: the ed25519 one is asked for.
  server = await startSshServer({ hostKeys: [generateKey("ecdsa"), ed25519] });
});
afterAll(() => server.close());

describe("asking a machine", () => {
  test("gets its ed25519 key, without a comment, and does not log in", async () => {
    expect(await scanHostKey("127.0.0.1", server.port)).toEqual({ kind: "key", key: own });
    expect(server.commands).toEqual([]);
  });

  test("tells a machine without such a key what makes one", async () => {
    const rsa = await startSshServer({ hostKeys: [generateKey("rsa")] });
    try {
      expect(await scanHostKey("127.0.0.1", rsa.port)).toEqual({
        kind: "silent",
        reason: expect.stringContaining("ssh-keygen -A") as string,
      });
    } finally {
      await rsa.close();
    }
  });

  test("gives up on a machine that accepts and says nothing", async () => {
    const { silent, port } = await listen();
    try {
      expect(await scanHostKey("127.0.0.1", port, 300)).toEqual({
        kind: "silent",
        reason: "no answer within 0.3 s",
      });
    } finally {
      silent.close();
    }
  });

  test("tells a refused connection", async () => {
    const { silent, port } = await listen();
    await new Promise((resolve) => silent.close(resolve));
    const scan = await scanHostKey("127.0.0.1", port);
    expect(scan).toEqual({
      kind: "silent",
      reason: expect.stringContaining("ECONNREFUSED") as string,
    });
  });
});

async function listen(): Promise<{ silent: Server; port: number }> {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  return { silent, port: (silent.address() as AddressInfo).port };
}

describe("judging the keys", () => {
  const machine = (
    name: string,
    pinned: string | undefined,
    key: string | undefined,
  ): ScannedMachine => ({
    name,
    address: "10.0.42.1",
    pinned,
    scan: key === undefined ? { kind: "silent", reason: "gone" } : { kind: "key", key },
  });
  const states = (machines: ScannedMachine[], replace: string[] = []) =>
    planHostKeys(machines, replace).map(({ state }) => state);

  test("a key is new, pinned already, or changed, whatever its comment", () => {
    expect(states([machine("a", undefined, own)])).toEqual(["new"]);
    expect(states([machine("a", `${own} pi@a`, own)])).toEqual(["pinned"]);
    expect(states([machine("a", other, own)])).toEqual(["changed"]);
  });

  test("a changed key is replaced only for the machine that is named", () => {
    const third = withoutComment(generateKey().publicKey);
    const fourth = withoutComment(generateKey().publicKey);
    expect(states([machine("a", other, own), machine("b", third, fourth)], ["b"])).toEqual([
      "changed",
      "replaced",
    ]);
  });

  test("a changed key's line shows both fingerprints", () => {
    const text = renderFindings(planHostKeys([machine("a", other, own)], []));
    expect(text).toContain(`CHANGED  ${fingerprint(parseHostKey(own).blob)}`);
    expect(text).toContain(`pinned before: ${fingerprint(parseHostKey(other).blob)}`);
  });

  test("two machines with one key are told apart from none: neither is pinned", () => {
    expect(states([machine("a", undefined, own), machine("b", undefined, own)])).toEqual([
      "twin",
      "twin",
    ]);
    expect(states([machine("a", own, undefined), machine("b", undefined, own)])).toEqual([
      "unreachable",
      "twin",
    ]);
  });

  test("an unreachable machine says why", () => {
    expect(renderFindings(planHostKeys([machine("a", undefined, undefined)], []))).toMatch(
      /unreachable +\(gone\)/,
    );
  });

  test("writing leaves everything else, comments too", () => {
    const text =
      "# top\nconfig:\n  pi-lab:lab:\n    # about machines\n    machines:\n      a: { address: 10.0.42.1 } # flow\n\n      b:\n        address: 10.0.42.2 # block\n    topics: {}\n";
    const findings = planHostKeys(
      [machine("a", undefined, own), machine("b", undefined, other)],
      [],
    );
    const expected = text
      .replace("10.0.42.1 }", `10.0.42.1, hostKey: ${own} }`)
      .replace("# block\n", `# block\n        hostKey: ${other}\n`);
    expect(withHostKeys(text, "f", findings)).toBe(expected);
  });
});

describe("the command", () => {
  let dir: string;
  let file: string;
  const write = (hostKey?: string): void => {
    const pinned = hostKey === undefined ? "" : `, hostKey: ${hostKey}`;
    writeFileSync(
      file,
      `config:\n  pi-lab:lab:\n    ssh: { port: ${server.port} }\n    machines:\n      # the first one\n      pi-1: { address: 127.0.0.1${pinned} }\n      pi-2: { address: 127.0.0.2 }\n`,
    );
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "pi-lab-host-keys-"));
    file = join(dir, "Pulumi.real.yaml");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const run = (...args: string[]): Promise<{ code: number | null; output: string }> =>
    new Promise((resolve) => {
      const script = join(CHECKOUT, "scripts", "host-keys.ts");
      const child = spawn(process.execPath, ["--import", "tsx", script, "--file", file, ...args], {
        cwd: CHECKOUT,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      const collect = (chunk: Buffer): void => void (output += chunk.toString());
      child.stdout.on("data", collect);
      child.stderr.on("data", collect);
      child.on("close", (code) => resolve({ code, output }));
    });

  test("pins the reachable machine's key and lists the other with its reason", async () => {
    write();
    const { code, output } = await run("--yes");
    expect(output).toContain(fingerprint(parseHostKey(own).blob));
    expect(output).toMatch(/pi-2 +127\.0\.0\.2 +unreachable .*ECONNREFUSED/);
    expect(code).toBe(1);
    const text = readFileSync(file, "utf8");
    expect(text).toContain(`pi-1: { address: 127.0.0.1, hostKey: ${own} }`);
    expect(text).toContain("# the first one");
  });

  test("writes nothing without a word of the user", async () => {
    write();
    const before = readFileSync(file, "utf8");
    const { code, output } = await run();
    expect(output).toContain("--yes");
    expect(code).toBe(1);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("keeps a changed key until its machine is named", async () => {
    write(other);
    expect((await run("--yes")).output).toMatch(/CHANGED: pi-1 .*--replace pi-1/);
    expect(readFileSync(file, "utf8")).toContain(other);
    await run("--yes", "--replace", "pi-1");
    expect(readFileSync(file, "utf8")).toContain(own);
  });

  test("refuses to replace the key of a machine that is not there", async () => {
    write();
    expect((await run("--yes", "--replace", "pi-9")).output).toContain(
      "no such machine. It has: pi-1, pi-2",
    );
  });
});
