import { Buffer } from "node:buffer";
import { oneOf, show } from "./errors";
import { didYouMean } from "./nearest";
import { formatAddress, parseAddress, parseSubnet } from "./network";

/** What is wrong with one value, without regard to any other. */
export class Fault {
  constructor(
    readonly cause: string,
    readonly remedy: string,
  ) {}
}

/** Takes one value of the configuration as it stands there; `undefined` when it is missing. */
export type Reader<T> = (value: unknown) => T | Fault;

/** For the messages: what the value means, and one that would do. */
export interface Meaning {
  /** Goes on after "Give", e.g. `the port of the switch`. */
  readonly what: string;
  readonly example: string;
}

function missing({ what, example }: Meaning): Fault {
  return new Fault("is missing", `Give ${what}, e.g. ${example}.`);
}

/** A list or a mapping where one value should stand, or the other way round. */
function wrongKind(value: unknown, wanted: string, { what, example }: Meaning): Fault {
  return new Fault(`is ${kindOf(value)}, not ${wanted}`, `Give ${what}, e.g. ${example}.`);
}

/** What YAML made of a value, in a user's words. */
export function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "number") return "a number";
  return typeof value === "boolean" ? "a truth value" : "text";
}

/** Text as text: YAML makes numbers and truth values of `1`, `4.10` or `on`, and loses what was written. */
export function text(
  meaning: Meaning,
  check?: (value: string) => Fault | undefined,
): Reader<string> {
  return (value) => {
    if (value === undefined || value === null) return missing(meaning);
    if (typeof value === "number" || typeof value === "boolean") {
      return new Fault(
        `is read by YAML as ${kindOf(value)}, not as text`,
        `Put quotes around ${meaning.what}, e.g. "${meaning.example}".`,
      );
    }
    if (typeof value !== "string") return wrongKind(value, "text", meaning);
    if (value.trim() === "")
      return new Fault("is empty", `Give ${meaning.what}, e.g. ${meaning.example}.`);
    if (value !== value.trim())
      return new Fault("begins or ends with blanks", `Write ${value.trim()}.`);
    return check?.(value) ?? value;
  };
}

/** A whole number of at least `min`, and at most `max` where that is given. */
export function int(meaning: Meaning, min: number, max?: number, unit = ""): Reader<number> {
  const range = max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  const legal = `${meaning.what} is a whole number ${range}${unit && ` ${unit}`}`;
  return (value) => {
    if (value === undefined || value === null) return missing(meaning);
    if (typeof value === "string" && /^-?\d+$/.test(value)) {
      return new Fault("is text, not a number", `Remove the quotes: ${value}.`);
    }
    if (typeof value !== "number") return wrongKind(value, "a number", meaning);
    const isLegal =
      Number.isSafeInteger(value) && value >= min && (max === undefined || value <= max);
    return isLegal
      ? value
      : new Fault(`is out of range: ${legal}`, `Give one, e.g. ${meaning.example}.`);
  };
}

/** A number, whole or not, from `min` to `max`. */
export function number(meaning: Meaning, min: number, max: number, unit = ""): Reader<number> {
  return (value) => {
    if (value === undefined || value === null) return missing(meaning);
    if (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value)) {
      return new Fault("is text, not a number", `Remove the quotes: ${value}.`);
    }
    if (typeof value !== "number") return wrongKind(value, "a number", meaning);
    if (value >= min && value <= max) return value;
    const legal = `${meaning.what} is a number from ${min} to ${max}${unit && ` ${unit}`}`;
    return new Fault(`is out of range: ${legal}`, `Give one, e.g. ${meaning.example}.`);
  };
}

export function flag(meaning: Meaning): Reader<boolean> {
  return (value) => {
    if (value === undefined || value === null) return missing(meaning);
    if (value === "true" || value === "false") {
      return new Fault("is text, not a truth value", `Remove the quotes: ${value}.`);
    }
    return typeof value === "boolean" ? value : wrongKind(value, "true or false", meaning);
  };
}

/** A limit: more than nothing. */
export const quantity: Reader<number> = (value) => {
  const remedy = "Give a number above 0, without quotes.";
  if (value === undefined || value === null) return new Fault("is missing", remedy);
  if (typeof value !== "number") return new Fault(`is ${kindOf(value)}, not a number`, remedy);
  return Number.isFinite(value) && value > 0
    ? value
    : new Fault("is no limit that a client could work with", remedy);
};

/** Kafka's id of a topic: 16 bytes in URL-safe base64. */
export const topicId: Reader<string> = text(
  { what: "a topic's id", example: "vPzZ8dRTTfqHh0Q5mVQ5cw" },
  (value) =>
    /^[A-Za-z0-9_-]{22}$/.test(value)
      ? undefined
      : new Fault(
          "is not a topic's id, which has 22 letters, digits, `-` and `_`",
          "Copy it from the refusal that names the topic, or from the output `topicIds`.",
        ),
);

/**
 * One of a few words.
 *
 * @param otherwise what any other word is, e.g. `is not a role`
 * @param suggest whether a near one is named: of words that mean something, not of versions
 */
export function word<T extends string>(
  meaning: Meaning,
  known: readonly T[],
  otherwise: string,
  suggest = true,
): Reader<T> {
  const list = `Known: ${known.join(", ")}.`;
  return (value) => {
    if (value === undefined || value === null) {
      return new Fault("is missing", `Give ${meaning.what}: ${oneOf(known)}.`);
    }
    const read = text(meaning)(value);
    if (read instanceof Fault) return new Fault(read.cause, `${read.remedy} ${list}`);
    const found = known.find((candidate) => candidate === read);
    if (found !== undefined) return found;
    const near = suggest ? didYouMean(read, known, "") : "";
    return new Fault(otherwise, near ? `${near} ${list}` : list);
  };
}

/**
 * The value of a Kafka setting, as text. Unquoted numbers and truth values are taken where nothing
 * is lost by it.
 */
export const settingValue: Reader<string> = (value) => {
  if (typeof value === "string") {
    return /[\n\r]/.test(value)
      ? new Fault("holds a line break", "Write the value in one line.")
      : value;
  }
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Math.abs(value) >= 1e-6;
    return isExact
      ? String(value)
      : new Fault("is a number that YAML does not keep exactly", "Write it in quotes.");
  }
  if (Array.isArray(value)) {
    return new Fault("is a list", `Write the items with commas between: "${value.join(",")}".`);
  }
  if (value === null || value === undefined) {
    return new Fault("is empty", "Give a value, or leave the key out to have Kafka's default.");
  }
  return new Fault("is a mapping", "Kafka's settings are flat: write the whole key with its dots.");
};

/** A login name, by the rule of Debian's `useradd`. */
export const userName = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) =>
    /^[a-z_][a-z0-9_-]{0,31}$/.test(value)
      ? undefined
      : new Fault(
          "is not a login name: those are small letters, digits, `_` and `-`",
          `Give ${meaning.what}, e.g. ${meaning.example}.`,
        ),
  );

/** A private key's file. Whether it is there is not for the model to say. */
export const privateKeyPath = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) =>
    value.endsWith(".pub")
      ? new Fault("is the file of a public key", `Name the private one: ${value.slice(0, -4)}.`)
      : undefined,
  );

/** Where an archive of packages answers over HTTP: a name or address, with its port where that is not 80. */
export const mirror = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) => {
    const url = URL.canParse(`http://${value}`) ? new URL(`http://${value}`) : undefined;
    return url?.host === value && url.hostname !== ""
      ? undefined
      : new Fault(
          "is no mirror's name",
          `Write host or host:port in small letters, without http:// and path, and without :80, e.g. ${meaning.example}.`,
        );
  });

/** An image by name, with an optional registry before it and a tag or digest after it. */
export const imageName = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) =>
    /^[a-z0-9]+([._:/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(value)
      ? undefined
      : new Fault("is not the name of an image", `Give ${meaning.what}, e.g. ${meaning.example}.`),
  );

export const address = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) =>
    parseAddress(value) === undefined
      ? new Fault(
          "is not an IPv4 address",
          `Write four numbers from 0 to 255 with dots between, without leading zeros, e.g. ${meaning.example}.`,
        )
      : undefined,
  );

/** Large enough for a switch of 8 ports, small enough that a slip of the pen is seen. */
const SHORTEST_PREFIX = 16;
const LONGEST_PREFIX = 29;

export const subnet = (meaning: Meaning): Reader<string> =>
  text(meaning, (value) => {
    const parsed = parseSubnet(value);
    if (parsed === undefined) {
      return new Fault("is not an IPv4 subnet", `Write address/length, e.g. ${meaning.example}.`);
    }
    const { prefixLength, network } = parsed;
    if (prefixLength < SHORTEST_PREFIX || prefixLength > LONGEST_PREFIX) {
      return new Fault(
        `has a prefix of ${prefixLength} bits; a lab's has ${SHORTEST_PREFIX} to ${LONGEST_PREFIX}`,
        `Choose one for the lab alone, e.g. ${meaning.example}.`,
      );
    }
    const start = formatAddress(network);
    if (!value.startsWith(`${start}/`)) {
      return new Fault(
        "does not begin at its network's address",
        `Write ${start}/${prefixLength}.`,
      );
    }
    const firstByte = network >>> 24;
    if (firstByte === 0 || firstByte === 127 || firstByte >= 224) {
      return new Fault(
        "is reserved: no machine can have an address in it",
        `Choose a private one, e.g. ${meaning.example}.`,
      );
    }
    return undefined;
  });

/** Length of an Ed25519 key in SSH's form: two length-prefixed strings, `ssh-ed25519` and 32 bytes. */
const ED25519_BLOB_BYTES = 4 + 11 + 4 + 32;
const ED25519_BLOB_START = Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1");

/**
 * `ssh-ed25519 AAAA…`; a comment after it is left out. Ed25519 alone, since every sshd has such a key
 * and one algorithm keeps what is pinned unequivocal.
 */
export const hostKey = (meaning: Meaning): Reader<string> => {
  const read = text(meaning);
  return (value) => {
    const line = read(value);
    if (line instanceof Fault) return line;
    const [type = "", key = ""] = line.split(/\s+/);
    const again = "Gather the keys again with `npm run host-keys` and copy the whole line.";
    if (key.startsWith("ssh-")) {
      return new Fault(
        `has ${show(type)} before the key, as lines of known_hosts have`,
        `Write the part from ${key} on.`,
      );
    }
    if (type !== "ssh-ed25519") {
      return new Fault("is not an Ed25519 key (`ssh-ed25519 AAAA…`)", again);
    }
    const blob = Buffer.from(key, "base64");
    const isWhole =
      /^[A-Za-z0-9+/]+={0,2}$/.test(key) &&
      blob.length === ED25519_BLOB_BYTES &&
      blob.subarray(0, ED25519_BLOB_START.length).equals(ED25519_BLOB_START);
    return isWhole ? `${type} ${key}` : new Fault("is not a whole Ed25519 key", again);
  };
};
