/** `authorized_keys` of a virtual Pi: one public key (`type base64 [comment]`) a line. */
export function renderAuthorizedKeys(publicKeys: readonly string[]): string {
  return publicKeys
    .map((key) => {
      const line = key.trim();
      if (/[\r\n]/.test(line)) throw new Error("a public key must be one line");
      return `${line}\n`;
    })
    .join("");
}
