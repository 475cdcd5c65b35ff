/** What the files of a package archive are, by their URLs: pure. */

/** What a file's content must be. */
export interface Digest {
  readonly algorithm: "md5" | "sha1" | "sha256" | "sha512";
  /** Lower-case hex. */
  readonly hex: string;
}

const ALGORITHMS: Readonly<Record<string, Digest["algorithm"]>> = {
  MD5Sum: "md5",
  SHA1: "sha1",
  SHA256: "sha256",
  SHA512: "sha512",
};

/** A list that is named by its content: `…/by-hash/SHA256/HEX`. */
export function digestInUrl({ pathname }: URL): Digest | undefined {
  const [, name = "", hex = ""] = /\/by-hash\/([A-Za-z0-9]+)\/([0-9a-f]+)$/.exec(pathname) ?? [];
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  return algorithm === undefined ? undefined : { algorithm, hex };
}

/** Whether a URL has the same content for ever: a version of a package, or a list that is named by its content. */
export function isImmutable(url: URL): boolean {
  return url.pathname.includes("/pool/") || digestInUrl(url) !== undefined;
}

/** Names of what `apt` fetches besides what is named by its content: lists of lists, lists, and packages. */
const NAMES = [
  /^(In)?Release(\.gpg)?$/,
  /^(Packages|Sources|Translation-[\w@.-]+|Contents-[\w-]+|Components-[\w-]+\.yml|Commands-[\w-]+|icons-[\w@]+\.tar)(\.(gz|bz2|xz|lzma|lz4|zst))?$/,
  /^[^/]+\.deb$/,
];

/** Whether a URL may be a file of a package archive: no command to something else that answers over HTTP. */
export function isOfArchive(url: URL): boolean {
  // Some servers take an encoded slash for one.
  if (url.search !== "" || /%2f|%5c|%00/i.test(url.pathname)) return false;
  const name = url.pathname.split("/").at(-1) ?? "";
  return digestInUrl(url) !== undefined || NAMES.some((shape) => shape.test(name));
}

/**
 * Whether what came may be the file: the login page of a network answers everything with success.
 * @param start the first bytes, at least 30 where there are so many
 */
export function isPlausible(url: URL, contentType: string | undefined, start: Buffer): boolean {
  if (/^text\/html\b/i.test(contentType ?? "")) return false;
  const begins = (text: string): boolean =>
    start.subarray(0, text.length).toString("latin1") === text;
  if (url.pathname.endsWith(".deb")) return begins("!<arch>\n");
  if (url.pathname.endsWith("/InRelease")) return begins("-----BEGIN PGP SIGNED MESSAGE-----");
  return true;
}

/** The package that a URL brings: its name, or the last part of its path. */
export function packageOf(url: string): string {
  const file = decoded(new URL(url).pathname.split("/").at(-1) ?? "");
  return file.endsWith(".deb") ? (file.split("_")[0] ?? file) : file;
}

/** A host may ask for what stands for no text: that is shown as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Whether a URL is a package's and no list's. */
export const isPackage = (url: string): boolean => new URL(url).pathname.endsWith(".deb");

/** `3 days`, `7 h`, `12 min`: how old lists are. */
export function ageInWords(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  if (minutes < 2 * 24 * 60) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / (24 * 60))} days`;
}
