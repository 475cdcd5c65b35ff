import fc from "fast-check";
import {
  formatAddress,
  freeAddresses,
  isUsable,
  lastUsable,
  parseAddress,
  parseSubnet,
} from "../../../model/network";

const anyAddress = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("addresses", () => {
  it("are read back as they were written", () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(parseAddress(formatAddress(address))).toBe(address);
      }),
    );
  });

  it.each([
    "",
    "10.0.42",
    "10.0.42.1.1",
    "10.0.42.256",
    "10.0.42.01",
    "10.0.42.-1",
    " 10.0.42.1",
    "a",
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("subnets", () => {
  it("hold their addresses between the network's own and the broadcast's", () => {
    expect(parseSubnet("10.0.42.0/29")).toEqual({
      text: "10.0.42.0/29",
      prefixLength: 29,
      network: parseAddress("10.0.42.0"),
      broadcast: parseAddress("10.0.42.7"),
    });
  });

  it("begin where their prefix says, whatever address of theirs is given", () => {
    fc.assert(
      fc.property(anyAddress, fc.integer({ min: 16, max: 29 }), (address, prefixLength) => {
        const subnet = parseSubnet(`${formatAddress(address)}/${prefixLength}`);
        if (subnet === undefined) throw new Error("not read");
        const { network, broadcast } = subnet;
        expect(broadcast - network + 1).toBe(2 ** (32 - prefixLength));
        expect(network % (broadcast - network + 1)).toBe(0);
        expect(address).toBeGreaterThanOrEqual(network);
        expect(address).toBeLessThanOrEqual(broadcast);
        expect(isUsable(subnet, lastUsable(subnet))).toBe(true);
        expect(isUsable(subnet, network)).toBe(false);
        expect(isUsable(subnet, broadcast)).toBe(false);
      }),
    );
  });

  it.each(["10.0.42.0", "10.0.42.0/", "10.0.42.0/33", "10.0.42.0/24/1", "/24", "10.0.42.0/x"])(
    "%j is none",
    (text) => {
      expect(parseSubnet(text)).toBeUndefined();
    },
  );

  it("offer what is free, up to the last address", () => {
    const subnet = parseSubnet("10.0.42.0/29");
    if (subnet === undefined) throw new Error("not read");
    const taken = new Set(["10.0.42.1", "10.0.42.3"]);
    expect(freeAddresses(subnet, taken, 2)).toEqual(["10.0.42.2", "10.0.42.4"]);
    expect(freeAddresses(subnet, taken, 9)).toEqual([
      "10.0.42.2",
      "10.0.42.4",
      "10.0.42.5",
      "10.0.42.6",
    ]);
  });
});
