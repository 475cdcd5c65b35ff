import { fingerprint, parseHostKey } from "../../../../../plugins/common/ssh";

// Made by ssh-keygen for this test, its fingerprint printed by ssh-keygen -l.
const BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIElxVhCFTJZY0qgkEI4TOrZaBiR9aS+jWfyoT75a5qwJ";

test.each([
  ["a .pub file", `ssh-ed25519 ${BLOB} root@pi`],
  ["without a comment", `ssh-ed25519 ${BLOB}`],
  ["known_hosts", `broker-1,192.168.1.2 ssh-ed25519 ${BLOB}`],
  ["known_hosts with a port", `[192.168.1.2]:2222 ssh-ed25519 ${BLOB}`],
  ["ssh-keyscan with its comment line", `# 10.0.0.1:22 SSH-2.0\n10.0.0.1 ssh-ed25519 ${BLOB}\n`],
])("reads %s", (_form, text) => {
  const key = parseHostKey(text);
  expect(key.type).toBe("ssh-ed25519");
  expect(key.blob.toString("base64")).toBe(BLOB);
});

test.each([
  ["nothing", ""],
  ["no key", "broker-1"],
  ["an unknown type", `ssh-dss ${BLOB}`],
  ["a type that the key is not of", `ssh-rsa ${BLOB}`],
  ["half a key", "ssh-ed25519 AAAAC3Nz"],
  ["a certificate authority", `@cert-authority *.lab ssh-ed25519 ${BLOB}`],
])("refuses %s", (_what, text) => {
  expect(() => parseHostKey(text)).toThrow("the pinned host key cannot be read");
});

test("the fingerprint is the one that ssh-keygen prints", () => {
  expect(fingerprint(Buffer.from(BLOB, "base64"))).toBe(
    "SHA256:HJBA/P/w5xJHkXJWo5+47CyCwouLnhajfrg2cbkh6DU",
  );
});
