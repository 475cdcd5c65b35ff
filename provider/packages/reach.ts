/**
 * Where this machine goes for a host. A host's apt sources say what it likes, and the host may be somebody else's by
 * now: it must not get at what answers this machine alone.
 */
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

import { Hindrance } from "./hindrance";

/** The archives that a host may have files of. */
export interface Mirrors {
  /** `host` or `host:port`, as in their URLs. */
  readonly hosts: ReadonlySet<string>;
  /** The lab's configuration names them (`packages.mirrors`): then they may be anywhere, on this machine too. */
  readonly named: boolean;
}

/** All addresses of a name, as this machine resolves it. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

type Range = readonly [address: string, prefix: number];
/** What no mirror has that a host of the lab could reach as well, and what clouds tell their machines' secrets at. */
const RANGES: readonly (readonly [what: string, ranges: readonly Range[]])[] = [
  [
    "a loopback address",
    [
      ["127.0.0.0", 8],
      ["::1", 128],
    ],
  ],
  [
    "a link-local address",
    [
      ["169.254.0.0", 16],
      ["fe80::", 10],
    ],
  ],
  [
    "a multicast address",
    [
      ["224.0.0.0", 4],
      ["ff00::", 8],
    ],
  ],
  [
    "no address of a machine",
    [
      ["0.0.0.0", 8],
      ["240.0.0.0", 4],
      ["::", 96],
    ],
  ],
  [
    "a cloud's metadata service",
    [
      ["100.100.100.200", 32],
      ["168.63.129.16", 32],
      ["fd00:ec2::254", 128],
      ["fd20:ce::254", 128],
    ],
  ],
];

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

const LISTS = RANGES.map(([what, ranges]) => {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, familyOf(address));
  return [what, list] as const;
});

/**
 * What an address is that nothing is fetched from for a host; undefined: an address like any other, such as a
 * mirror's in the same network.
 *
 * @param own this machine's addresses; asked anew each time, since they change
 */
export function barred(
  address: string,
  own: readonly string[] = ownAddresses(),
): string | undefined {
  // As IPv6 writes an IPv4 address: it is the same machine.
  const family = familyOf(address);
  const found = LISTS.find(([, list]) => list.check(address, family));
  if (found !== undefined) return found[0];
  const mine = new BlockList();
  for (const one of own) mine.addAddress(one, familyOf(one));
  return mine.check(address, family) ? "an address of this machine" : undefined;
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));

export const resolveHere: Resolve = (name) =>
  new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });

function hindrance(host: string, address: string, what: string): Hindrance {
  const isWritten = [address, `[${address}]`].includes(host.replace(/:\d+$/, ""));
  const where = isWritten ? host : `${host} is ${address}, and that`;
  return new Hindrance(
    `${where} is ${what}, from where nothing is fetched for a host that only its own apt sources send there`,
    `Where packages are to come from there, name it, and all other mirrors, in \`packages.mirrors\` of the configuration; ` +
      "else see who wrote that into the host's /etc/apt.",
  );
}

/** A lookup for a connection: what is judged is what is dialled. */
export function guardedLookup(mirrors: Mirrors, resolve: Resolve): LookupFunction {
  return (name, options, callback) => {
    resolve(name).then(
      (addresses) => {
        const fault = mirrors.named ? undefined : faultOf(name, addresses);
        const family = options.family === 4 || options.family === 6 ? options.family : 0;
        const fit = addresses.filter((one) => family === 0 || one.family === family);
        const [first] = fit;
        if (fault !== undefined) callback(fault, "", 0);
        else if (first === undefined) callback(new Error(`${name} has no address`), "", 0);
        else if (options.all === true) callback(null, fit);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 0),
    );
  };
}

function faultOf(name: string, addresses: readonly LookupAddress[]): Hindrance | undefined {
  for (const { address } of addresses) {
    const what = barred(address);
    if (what !== undefined) return hindrance(name, address, what);
  }
  return undefined;
}

/**
 * Refuses a URL whose address is written out, for which a connection looks up nothing.
 * @throws Hindrance
 */
export function refuseBarredAddress(url: URL, mirrors: Mirrors): void {
  const address = url.hostname.replace(/^\[|\]$/g, "");
  const what = mirrors.named || isIP(address) === 0 ? undefined : barred(address);
  if (what !== undefined) throw hindrance(url.host, address, what);
}

/**
 * Refuses a mirror that nothing is fetched from. A name that nobody here knows is none: it may be a proxy that
 * knows it.
 * @throws Hindrance
 */
export async function refuseBarred(url: URL, mirrors: Mirrors, resolve: Resolve): Promise<void> {
  if (mirrors.named) return;
  refuseBarredAddress(url, mirrors);
  const name = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(name) !== 0) return;
  const fault = faultOf(name, await resolve(name).catch(() => []));
  if (fault !== undefined) throw fault;
}
