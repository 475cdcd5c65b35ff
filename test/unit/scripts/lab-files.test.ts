import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utils as ssh } from "ssh2";
import { parse } from "yaml";
import {
  CHECKOUT,
  checkpointFile,
  labFolder,
  type LabFolder,
} from "../../../scripts/lib/lab-folder";
import {
  ensureLabFiles,
  isVirtual,
  labName,
  readLab,
  templateNote,
} from "../../../scripts/lib/lab-files";
import { writeWhole } from "../../../scripts/lib/files";

let checkout: string;
const folderOf = (stack: string): LabFolder => labFolder(stack, join(checkout, "labs"));
const ensure = (folder: LabFolder) => ensureLabFiles(folder, () => Promise.resolve({}), checkout);

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "pi-lab-files-"));
  for (const file of ["Pulumi.yaml", "Pulumi.virtual.yaml", "Pulumi.pi-lab.yaml"]) {
    cpSync(join(CHECKOUT, file), join(checkout, file));
  }
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

test("a new virtual lab has a configuration, a passphrase and a key that only its owner can read", async () => {
  const folder = folderOf("virtual");
  expect(await ensure(folder)).toBe(true);
  for (const file of [folder.passphraseFile, folder.privateKeyFile]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  const key = ssh.parseKey(readFileSync(folder.privateKeyFile));
  const publicKey = ssh.parseKey(readFileSync(`${folder.privateKeyFile}.pub`));
  if (key instanceof Error || publicKey instanceof Error) throw new Error("unreadable key");
  expect(publicKey.getPublicSSH()).toEqual(key.getPublicSSH());
  expect(readLab(folder)).toMatchObject({
    name: "gcn-virtual",
    ssh: { privateKeyPath: "labs/virtual/id_ed25519" },
  });
});

test("a stack without a template of its own takes the virtual lab's, or the one that it is told", async () => {
  const folder = folderOf("museum");
  await ensureLabFiles(folder, () => Promise.resolve({}), checkout, "pi-lab");
  expect(isVirtual(readLab(folder))).toBe(false);
  expect(readLab(folder)).toMatchObject({ name: "museum", switch: { subnet: "10.0.42.0/24" } });
  await ensure(folderOf("spare"));
  expect(isVirtual(readLab(folderOf("spare")))).toBe(true);
});

test("a file that is written anew keeps its mode, and a link to it stays one", () => {
  const file = join(checkout, "file");
  const link = join(checkout, "link");
  writeWhole(file, "one", 0o600);
  symlinkSync(file, link);
  writeWhole(link, "two");
  expect(readFileSync(file, "utf8")).toBe("two");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

test("what is there stays as it is", async () => {
  const folder = folderOf("virtual");
  await ensure(folder);
  const files = [
    folder.configFile,
    folder.passphraseFile,
    folder.privateKeyFile,
    folder.projectFile,
  ];
  writeFileSync(
    folder.configFile,
    readFileSync(folder.configFile, "utf8").replace("gcn-virtual", "mine"),
  );
  const before = files.map((file) => readFileSync(file, "utf8"));
  expect(await ensure(folder)).toBe(false);
  expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(before);
  expect(labName(readLab(folder))).toBe("mine");
});

test("a further lab is made from the virtual template, with its own name", async () => {
  const folder = folderOf("spare");
  await ensureLabFiles(folder, () => Promise.resolve({ subnet: "10.99.1.0/24" }), checkout);
  expect(readLab(folder)).toMatchObject({
    name: "spare",
    switch: { subnet: "10.99.1.0/24" },
    machines: { "pi-1": { address: "10.99.1.1" } },
    ssh: { privateKeyPath: "labs/spare/id_ed25519" },
  });
});

test("a lab of real machines keeps its template's SSH access and gets no key", async () => {
  const folder = folderOf("pi-lab");
  await ensure(folder);
  const lab = readLab(folder);
  expect(isVirtual(lab)).toBe(false);
  expect(lab).toMatchObject({ name: "gcn", ssh: { privateKeyPath: "~/.ssh/id_ed25519" } });
  expect(() => statSync(folder.privateKeyFile)).toThrow(/ENOENT/);
});

test("the project file leads back to the checkout's program and plugins, and to the lab's own state", async () => {
  const folder = folderOf("virtual");
  await ensure(folder);
  expect(parse(readFileSync(folder.projectFile, "utf8"))).toMatchObject({
    name: "pi-lab",
    runtime: { name: "nodejs", options: { typescript: false } },
    main: join(checkout, "bin/program/bundle.js"),
    requiredPulumiVersion: ">=3.200.0",
    plugins: { providers: [{ name: "pilab", path: join(checkout, "bin/pulumi-resource-pilab") }] },
    backend: { url: `file://${folder.stateDir}` },
  });
});

test("an edited template is told, with the file to edit instead", async () => {
  const folder = folderOf("virtual");
  await ensure(folder);
  expect(templateNote(folder, checkout)).toBeUndefined();
  writeFileSync(join(checkout, "Pulumi.virtual.yaml"), "config: {}\n");
  expect(templateNote(folder, checkout)).toMatch(
    /Pulumi\.virtual\.yaml has changed[^]*Edit .*labs\/virtual\/Pulumi\.virtual\.yaml instead/,
  );
});

test("a state without its passphrase is refused rather than given a new one", async () => {
  const folder = folderOf("virtual");
  await ensure(folder);
  rmSync(folder.passphraseFile);
  writeWhole(checkpointFile(folder), "{}");
  await expect(ensure(folder)).rejects.toThrow(/passphrase is missing.*Restore the file/);
});

test("a configuration without the lab is told with the remedy", async () => {
  const folder = folderOf("virtual");
  await ensure(folder);
  writeFileSync(folder.configFile, "config: {}\n");
  expect(() => readLab(folder)).toThrow(/config\.pi-lab:lab is missing/);
});

test.each(["../x", "A", "", "-a", "a b"])("refuses %j as a lab's name", (name) => {
  expect(() => labFolder(name, checkout)).toThrow(/is not a lab's name/);
});
