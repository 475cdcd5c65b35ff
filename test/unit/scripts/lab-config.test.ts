import { parse } from "yaml";
import {
  copyOfTemplate,
  holdsSecrets,
  labValue,
  parseStackFile,
  parseSubnet,
  subnetsOverlap,
  withoutSalt,
} from "../../../scripts/lib/lab-config";
import { freeSubnet } from "../../../scripts/lib/subnets";

const TEMPLATE = `# Heading of the template,
# in two lines.
config:
  pi-lab:lab:
    # Unique on one machine.
    name: gcn

    switch:
      model: SW-008 # 8 ports
      subnet: 10.0.42.0/24
      gateway: 10.0.42.254

    ssh: { user: pi, privateKeyPath: old }
    machines:
      pi-1: { board: pi-4b-8gb, address: 10.0.42.1 }
      pi-9:
        address: 10.0.42.90
encryptionsalt: v1:of:somebody
`;

const lab = (text: string): Record<string, never> =>
  labValue(parseStackFile(text, "copy.yaml")) as Record<string, never>;

test("a copy keeps the template's comments and blank lines, but not its heading or its salt", () => {
  const copy = copyOfTemplate(TEMPLATE, "t.yaml", { header: ["The lab x.", "Edit it."] });
  const expected = TEMPLATE.replace(/^(#.*\n)+/, "# The lab x.\n# Edit it.\n\n").replace(
    /encryptionsalt.*\n/,
    "",
  );
  expect(copy).toBe(expected);
});

test("a file without secrets does without its salt, wherever that stands", () => {
  expect(holdsSecrets(TEMPLATE)).toBe(false);
  expect(withoutSalt(TEMPLATE)).toBe(TEMPLATE.replace("encryptionsalt: v1:of:somebody\n", ""));
  expect(withoutSalt("encryptionsalt: v1:x\nconfig: {}\n")).toBe("config: {}\n");
  expect(holdsSecrets("config:\n  a:b:\n    secure: v1:x\n")).toBe(true);
  expect(holdsSecrets("config:\n  a:b: { c: [{ secure: v1:x }] }\n")).toBe(true);
  expect(holdsSecrets("config:\n  # secure: no\n  a:b: 'secure: no'\n")).toBe(false);
});

test("a copy gets its own name, key and subnet; every address keeps its number in it", () => {
  const copy = copyOfTemplate(TEMPLATE, "t.yaml", {
    header: [],
    name: "other",
    privateKeyPath: "labs/other/id",
    subnet: "10.9.0.0/24",
  });
  expect(lab(copy)).toEqual({
    name: "other",
    switch: { model: "SW-008", subnet: "10.9.0.0/24", gateway: "10.9.0.254" },
    ssh: { user: "pi", privateKeyPath: "labs/other/id" },
    machines: {
      "pi-1": { board: "pi-4b-8gb", address: "10.9.0.1" },
      "pi-9": { address: "10.9.0.90" },
    },
  });
  expect(copy).toContain("model: SW-008 # 8 ports");
});

test("a subnet of another size is refused by its place in the file", () => {
  const change = () => copyOfTemplate(TEMPLATE, "t.yaml", { header: [], subnet: "10.9.0.0/16" });
  expect(change).toThrow(
    /t\.yaml: switch\.subnet: 10\.0\.42\.0\/24 cannot be moved to 10\.9\.0\.0\/16/,
  );
});

test("a file that is no YAML is told with its name", () => {
  expect(() => parseStackFile("config: [", "labs/x/Pulumi.x.yaml")).toThrow(
    /labs\/x\/Pulumi\.x\.yaml is not valid YAML/,
  );
});

test("a template without the lab is told", () => {
  expect(() => copyOfTemplate("config: {}\n", "t.yaml", { header: [] })).toThrow(
    /pi-lab:lab is missing/,
  );
});

test("a stack file without the lab has no value", () => {
  expect(labValue(parseStackFile("encryptionsalt: x\n", "f"))).toBeUndefined();
  expect(labValue(parseStackFile("config:\n  pi-lab:lab:\n", "f"))).toBeUndefined();
});

test.each([
  ["10.0.42.0/24", { base: 167782912, prefix: 24 }],
  ["0.0.0.0/0", { base: 0, prefix: 0 }],
  ["10.0.42.0", undefined],
  ["10.0.42.256/24", undefined],
  ["10.0.42.0/33", undefined],
])("parses %s", (text, expected) => expect(parseSubnet(text)).toEqual(expected));

test.each([
  ["10.0.42.0/24", "10.0.42.0/24", true],
  ["10.0.42.7/24", "10.0.42.200/32", true],
  ["10.0.42.0/24", "10.0.0.0/16", true],
  ["10.0.42.0/24", "10.0.43.0/24", false],
  ["10.0.42.0/24", "nonsense", false],
])("%s and %s overlap: %s", (a, b, expected) => {
  expect(subnetsOverlap(a, b)).toBe(expected);
  expect(subnetsOverlap(b, a)).toBe(expected);
});

test("a free subnet is the wanted one, else the next of its size", () => {
  expect(freeSubnet("10.0.42.0/24", ["172.17.0.0/16"])).toBe("10.0.42.0/24");
  expect(freeSubnet("10.0.42.0/24", ["10.0.42.128/25", "10.0.43.1/24"])).toBe("10.0.44.0/24");
  expect(() => freeSubnet("10.0.42.0/24", ["10.0.0.0/8"])).toThrow(/200 subnets are taken/);
});

test("the test's template is YAML of the shape that it stands for", () => {
  expect(parse(TEMPLATE)).toHaveProperty(["config", "pi-lab:lab", "name"], "gcn");
});
