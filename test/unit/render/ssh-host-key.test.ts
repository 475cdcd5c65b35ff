import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { utils } from "ssh2";
import { openSshPublicKey, renderAuthorizedKeys, renderOpenSshPrivateKey } from "../../../render";

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
/** What an SSH key file's comment may hold. */
const comment = fc.string({ maxLength: 40 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pi-lab-key-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("OpenSSH reads the private key and finds the same public key in it", () => {
  fc.assert(
    fc.property(seed, comment, (bytes, text) => {
      const file = join(folder, "key");
      rmSync(file, { force: true });
      writeFileSync(file, renderOpenSshPrivateKey(bytes, text), { mode: 0o600 });
      const [type, blob] = execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file], {
        encoding: "utf8",
      }).split(/\s/);
      expect(`${type} ${blob}`).toBe(openSshPublicKey(bytes));
    }),
    { numRuns: 25 },
  );
});

test("ssh2 reads the private key, and a signature made with it holds against the public key", () => {
  fc.assert(
    fc.property(seed, (bytes) => {
      const parsed = utils.parseKey(renderOpenSshPrivateKey(bytes, "a comment"));
      const open = utils.parseKey(openSshPublicKey(bytes));
      if (parsed instanceof Error) throw parsed;
      if (open instanceof Error) throw open;
      const data = Buffer.from("data");
      expect(open.verify(data, parsed.sign(data))).toBe(true);
      expect(parsed.getPublicSSH().equals(open.getPublicSSH())).toBe(true);
    }),
  );
});

test("the same seed gives the same key, another seed another one", () => {
  const one = Buffer.alloc(32, 1);
  expect(renderOpenSshPrivateKey(one)).toBe(renderOpenSshPrivateKey(Buffer.from(one)));
  expect(openSshPublicKey(one)).not.toBe(openSshPublicKey(Buffer.alloc(32, 2)));
});

test("a seed of another length is refused without being shown", () => {
  const short = Buffer.from("a secret that is too short");
  expect(() => renderOpenSshPrivateKey(short)).toThrow("has 32 bytes, not 26");
  expect(() => openSshPublicKey(short)).not.toThrow(/secret/);
});

test("authorized_keys has one key a line", () => {
  expect(renderAuthorizedKeys(["ssh-ed25519 AAAA me\n", "ssh-ed25519 BBBB"])).toBe(
    "ssh-ed25519 AAAA me\nssh-ed25519 BBBB\n",
  );
  expect(() => renderAuthorizedKeys(["ssh-ed25519 AAAA\nssh-ed25519 BBBB"])).toThrow("one line");
});
