/** IPv4 as numbers: what the rules on addresses reckon with. */

export interface Subnet {
  /** As written, e.g. `10.0.42.0/24`. */
  readonly text: string;
  readonly prefixLength: number;
  /** First address, the network's own. */
  readonly network: number;
  /** Last address, the broadcast's. */
  readonly broadcast: number;
}

/** The number of a dotted address, undefined for anything else (leading zeros included: some tools read them as octal). */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/**
 * A subnet, or undefined for text that is not `address/length`. An address with host bits set is
 * taken too: `network` is where it should have begun.
 */
export function parseSubnet(text: string): Subnet | undefined {
  const [start = "", length = "", ...rest] = text.split("/");
  const address = parseAddress(start);
  if (address === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length)) return undefined;
  const prefixLength = Number(length);
  if (prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  const network = Math.floor(address / size) * size;
  return { text, prefixLength, network, broadcast: network + size - 1 };
}

/** True for an address that a machine on the subnet may have. */
export function isUsable(subnet: Subnet, address: number): boolean {
  return address > subnet.network && address < subnet.broadcast;
}

export function lastUsable(subnet: Subnet): number {
  return subnet.broadcast - 1;
}

/** The first addresses of the subnet that are free, at most `count`. */
export function freeAddresses(subnet: Subnet, taken: ReadonlySet<string>, count: number): string[] {
  const free: string[] = [];
  for (let a = subnet.network + 1; a < subnet.broadcast && free.length < count; a++) {
    const text = formatAddress(a);
    if (!taken.has(text)) free.push(text);
  }
  return free;
}
