import { labFolder } from "../../../scripts/lib/lab-folder";
import { unknownTopic } from "../../../scripts/lib/records/open-topic";
import { hostNamed, standingLab } from "../../../scripts/lib/standing-lab";
import { virtualLab } from "../../support/labs";

const standing = { folder: labFolder("virtual", "/nowhere"), lab: virtualLab() };

test("a lab that was never made is told with what makes it", () => {
  expect(() => standingLab("never-made")).toThrow(
    /There is no lab never-made: .*Make it with npm run lab -- --stack never-made\./,
  );
});

test("a lab of real machines is begun with their host keys", () => {
  const before = process.env.PI_LAB_LABS_DIR;
  process.env.PI_LAB_LABS_DIR = "/nowhere";
  try {
    expect(() => standingLab("pi-lab")).toThrow(
      "Make it with npm run host-keys -- --stack pi-lab.",
    );
  } finally {
    if (before === undefined) delete process.env.PI_LAB_LABS_DIR;
    else process.env.PI_LAB_LABS_DIR = before;
  }
});

test("a host is found by its name", () => {
  expect(hostNamed("client-1", standing).machine.name).toBe("pi-4");
});

test.each([
  ["broker-9", "broker-9: the lab virtual has no such host. Did you mean broker-1?"],
  ["pi-4", "pi-4: the lab virtual has no such host. It is a machine's name: client-1 plays on it."],
  ["zzz", "It has: broker-1, broker-2, broker-3, client-1, desk-1."],
])("the host %s is not there, and the answer tells which are", (name, expected) => {
  expect(() => hostNamed(name, standing)).toThrow(expected);
});

test.each([
  ["gren", ["red", "green", "__consumer_offsets"], "Did you mean green?"],
  ["zzz", ["red", "green", "__consumer_offsets"], "It has: green, red."],
  ["zzz", [], "It has none."],
  ["red", ["green"], "The configuration describes it: npm run pulumi -- up makes it."],
])("the topic %s is not among %j, and the answer tells what to do", (name, live, expected) => {
  expect(unknownTopic(name, live, "virtual", virtualLab())).toBe(
    `${name}: the lab virtual has no such topic. ${expected}`,
  );
});
