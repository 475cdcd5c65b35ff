import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCopied } from "../../../bench/link-copy";

describe("parseCopied", () => {
  it("reads bytes and seconds", () => {
    expect(parseCopied("1048576 0.25\n")).toEqual({ bytes: 1048576, seconds: 0.25 });
  });

  it.each(["", "0 1.0", "12", "12 0.00", "12 1.0 more", "port 7099: in use"])(
    "takes %j for no measurement",
    (said) => {
      expect(() => parseCopied(said)).toThrow(`said ${JSON.stringify(said)}`);
    },
  );
});

describe("link-copy.pl", () => {
  const folder = mkdtempSync(join(tmpdir(), "link-copy-"));
  const script = join(__dirname, "../../../bench/link-copy.pl");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function perl(...args: string[]): Promise<{ code: number; output: string }> {
    const child = spawn("perl", [script, ...args]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const [code] = (await once(child, "close")) as [number];
    return { code, output };
  }

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    return port;
  }

  it("carries files one after the other, and says how many bytes came", async () => {
    const [a, b, target] = ["a", "b", "target"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const long = Buffer.alloc(3_000_000, "long");
    writeFileSync(a, long);
    writeFileSync(b, "short");
    const port = String(await freePort());
    const [received, sent] = await Promise.all([
      perl("receive", port, target),
      perl("send", "127.0.0.1", port, a, b),
    ]);
    expect(sent).toEqual({ code: 0, output: "" });
    expect(parseCopied(received.output).bytes).toBe(3_000_005);
    expect(readFileSync(target).equals(Buffer.concat([long, Buffer.from("short")]))).toBe(true);
  });

  it("fails where a file cannot be read to its end: the bytes that came are not all", async () => {
    const port = String(await freePort());
    const [, sent] = await Promise.all([
      perl("receive", port, join(folder, "target")),
      perl("send", "127.0.0.1", port, folder),
    ]);
    expect(sent.code).not.toBe(0);
    expect(sent.output).toContain("read: Is a directory");
  });

  it("fails where a file is missing, with its name", async () => {
    const port = String(await freePort());
    const [, sent] = await Promise.all([
      perl("receive", port, join(folder, "target")),
      perl("send", "127.0.0.1", port, join(folder, "none")),
    ]);
    expect(sent.code).not.toBe(0);
    expect(sent.output).toContain(`${join(folder, "none")}: No such file`);
  });
});
