/**
 * Reads the text of a Java properties file as `java.util.Properties.load` documents it: comments,
 * line continuations, separators `=`, `:` or blank, and escapes.
 */
export function parseJavaProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  let logical = "";
  for (const natural of text.split(/\r\n|[\r\n]/)) {
    const line = natural.replace(/^[ \t\f]+/, "");
    if (logical === "" && (line === "" || /^[#!]/.test(line))) continue;
    const trailing = /\\*$/.exec(line)![0].length;
    if (trailing % 2 === 1) {
      logical += line.slice(0, -1);
      continue;
    }
    const whole = logical + line;
    logical = "";
    const [, key, value] = /^((?:[^\\ \t\f=:]|\\[^])*)[ \t\f]*[=:]?[ \t\f]*([^]*)$/.exec(whole)!;
    // Not an assignment: a key may be called __proto__.
    Object.defineProperty(properties, unescape(key!), {
      value: unescape(value!),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return properties;
}

function unescape(text: string): string {
  const named: Record<string, string> = { t: "\t", n: "\n", r: "\r", f: "\f" };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code?: string, char?: string) =>
    code === undefined ? (named[char!] ?? char!) : String.fromCharCode(parseInt(code, 16)),
  );
}
