import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { bundleHash, renderBundle, type StagedEntry, type StagedFile } from "../../../render";
import { expectGolden } from "../../support/golden";

const lib = join(__dirname, "../../../render/scripts/lib.sh");
const owner = execFileSync("sh", ["-c", 'echo "$(id -un):$(id -gn)"'], { encoding: "utf8" }).trim();

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pi-lab-bundle-"));
  mkdirSync(join(root, "kafka-4.1.1"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const file = (path: string, content: string, mode = "0644"): StagedFile => ({
  kind: "file",
  path: join(root, path),
  mode,
  owner,
  content,
});

/** What the host's scripts do with a bundle: unpack it, put it in place, print the changed paths. */
function place(bundle: string): { code: number | null; changed: string[]; stderr: string } {
  const script = `pi_host=pi-x; source ${lib}; step stage; work=$(mktemp -d ${root}/work-XXXX)
    unpack_bundle "$work"; place_bundle "$work"; rm -r "$work"; printf '%s\\n' "\${changed[@]}"`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
    input: bundle,
    encoding: "utf8",
  });
  return { code: status, changed: stdout.split("\n").filter((l) => l !== ""), stderr };
}

const entries = (): StagedEntry[] => [
  file("etc/a.conf", "first\n\n  second\t\n"),
  file("etc/b.conf", "x = 1\n", "0600"),
  { kind: "link", path: join(root, "current"), target: "kafka-4.1.1" },
];

test("a bundle is readable text, and as approved", () => {
  expectGolden(
    "unit/render/golden/bundle.txt",
    renderBundle([
      { kind: "file", path: "/etc/a", mode: "0644", owner: "root:kafka", content: "one\n\ntwo\n" },
      { kind: "link", path: "/opt/current", target: "v1" },
      { kind: "file", path: "/etc/empty", mode: "0600", owner: "root:root", content: "" },
    ]),
  );
});

test("its hash is that of its text", () => {
  const text = renderBundle(entries());
  const [sum] = execFileSync("sha256sum", { input: text, encoding: "utf8" }).split(" ");
  expect(bundleHash(entries())).toBe(sum);
});

test("the host puts files and links in place with content and mode", () => {
  const { code, changed } = place(renderBundle(entries()));
  expect(code).toBe(0);
  expect(changed).toEqual(entries().map(({ path }) => path));
  expect(readFileSync(join(root, "etc/a.conf"), "utf8")).toBe("first\n\n  second\t\n");
  expect(statSync(join(root, "etc/b.conf")).mode & 0o777).toBe(0o600);
  expect(readlinkSync(join(root, "current"))).toBe("kafka-4.1.1");
});

test("a second time nothing is touched; a hand-made change of mode or text is put right", () => {
  const bundle = renderBundle(entries());
  place(bundle);
  expect(place(bundle).changed).toEqual([]);
  chmodSync(join(root, "etc/b.conf"), 0o644);
  expect(place(bundle).changed).toEqual([join(root, "etc/b.conf")]);
});

test("whatever text a file has, the host writes the same", () => {
  const content = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }).map((s) => s.replace(/[\0\n]/g, "")),
        fc.constantFrom(
          "end",
          "file /etc/x 0644 a:b",
          "|",
          "\\",
          "pi-lab bundle 1",
          " ",
          "-n",
          "$HOME",
        ),
      ),
    )
    .map((lines) => lines.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(fc.array(content, { minLength: 1, maxLength: 4 }), (contents) => {
      const files = contents.map((text, i) => file(`f${i}`, text));
      expect(place(renderBundle(files)).code).toBe(0);
      expect(files.map(({ path }) => readFileSync(path, "utf8"))).toEqual(contents);
    }),
    { numRuns: 25 },
  );
});

test.each([
  ["broken off", (text: string) => text.slice(0, -"end\n".length), "broke off before its end"],
  ["no bundle", () => "hello\n", "is no bundle"],
  ["empty", () => "", "is no bundle"],
  ["garbled", (text: string) => text.replace("|x", "x"), "a line of no known kind"],
])("a bundle that is %s is refused, and nothing is put in place", (_, spoil, cause) => {
  const { code, stderr } = place(spoil(renderBundle(entries())));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^pi-lab: pi-x: stage: .*\. Run `up` again.*\n$/);
  expect(stderr).toContain(cause);
  expect(existsSync(join(root, "etc"))).toBe(false);
});

test("a link to a distribution that is not there is refused before any file is written", () => {
  const bundle = renderBundle([
    file("a.conf", "a\n"),
    { kind: "link", path: join(root, "current"), target: "kafka-9.9.9" },
  ]);
  const { code, stderr } = place(bundle);
  expect(code).toBe(1);
  expect(stderr).toContain("kafka-9.9.9, which is not there. Install that distribution first.");
  expect(readdirSync(root).filter((name) => name.startsWith("a.conf"))).toEqual([]);
});

test("a failure that nobody foresaw still names host, step and remedy", () => {
  const script = `pi_host=pi-x; source ${lib}; step odd; false`;
  const { status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^pi-lab: pi-x: odd: status 1 of: false\. .*goes on from there\.\n$/);
});

test.each([
  ["a path that is not absolute", { path: "etc/a" }],
  ["a path with ..", { path: "/etc/../a" }],
  ["a path with a blank", { path: "/etc/a b" }],
  ["an odd mode", { mode: "644" }],
  ["an odd owner", { owner: "root" }],
  ["a NUL byte", { content: "a\0\n" }],
  ["no newline at the end", { content: "a" }],
])("an entry with %s is a mistake of ours", (_, odd) => {
  const good: StagedFile = {
    kind: "file",
    path: "/etc/a",
    mode: "0644",
    owner: "root:root",
    content: "",
  };
  expect(() => renderBundle([good])).not.toThrow();
  expect(() => renderBundle([{ ...good, ...odd }])).toThrow(/^bundle: /);
});

test("a path given twice is a mistake of ours", () => {
  expect(() => renderBundle([...entries(), entries()[0]!])).toThrow("is given twice");
});
