import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Lab } from "../../../model";
import type { Engine } from "../../../scripts/lib/engine";
import { checkpointFile, labFolder } from "../../../scripts/lib/lab-folder";
import { labLogin, loginAs } from "../../../scripts/lib/lab-login";
import { labFixture } from "../../support/lab-fixture";

const open = labFixture();
const secured: Lab = {
  ...open,
  cluster: { ...open.cluster, authentication: "scram" },
  users: ["ann", "bob"].map((name) => ({ name, password: "random", passwordVersions: {} })),
};
const passwords = {
  "pi-lab": { PLAIN: "p" },
  ann: { "SCRAM-SHA-256": "a2", "SCRAM-SHA-512": "a5" },
};

const root = mkdtempSync(join(tmpdir(), "pi-lab-login-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** An engine that tells these outputs, and only to who asks for secrets as JSON. */
function engineWith(outputs: object): Engine {
  const bin = join(root, "pulumi");
  writeFileSync(
    bin,
    `#!/bin/sh\n[ "$*" = "stack output --json --show-secrets --non-interactive" ] || exit 9\ncat <<'END'\n${JSON.stringify(outputs)}\nEND\n`,
  );
  chmodSync(bin, 0o755);
  return { bin, env: {} };
}

const folder = labFolder("virtual", root);
function madeFolder() {
  const file = checkpointFile(folder);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "{}");
  return folder;
}

test("nobody logs in where brokers ask nobody, and no engine is asked", async () => {
  const none: Engine = { bin: "/nowhere", env: {} };
  expect(await labLogin(folder, open, undefined, none)).toBeUndefined();
  await expect(labLogin(folder, open, "ann", none)).rejects.toThrow(
    "--user: nobody logs in at the brokers of virtual: its configuration has no cluster.authentication. Leave --user out.",
  );
});

test("a lab that was not made yet, or not whole, has no password, and that is said", async () => {
  const said: string[] = [];
  const write = jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  try {
    const none: Engine = { bin: "/nowhere", env: {} };
    const empty = labFolder("virtual", join(root, "empty"));
    expect(await labLogin(empty, secured, undefined, none)).toBeUndefined();
    expect(await labLogin(madeFolder(), secured, undefined, engineWith({}))).toBeUndefined();
  } finally {
    write.mockRestore();
  }
  const line =
    "The stack virtual has no password to log in with yet, so that its brokers will not answer: npm run pulumi -- up has to end once.\n";
  expect(said).toEqual([line, line]);
});

test("the super user logs in unless a user is named, each with a mechanism that they have", async () => {
  const engine = engineWith({ passwords });
  expect(await labLogin(madeFolder(), secured, undefined, engine)).toEqual({
    mechanism: "PLAIN",
    username: "pi-lab",
    password: "p",
  });
  expect(await labLogin(madeFolder(), secured, "ann", engine)).toEqual({
    mechanism: "SCRAM-SHA-512",
    username: "ann",
    password: "a5",
  });
  expect(loginAs("ann", { ann: { "SCRAM-SHA-256": "a2" } })).toMatchObject({ password: "a2" });
});

test("a user who is not there is told: not made yet, mistyped, or unknown", async () => {
  const engine = engineWith({ passwords });
  const login = (user: string) => labLogin(madeFolder(), secured, user, engine);
  await expect(login("bob")).rejects.toThrow(
    "--user: bob was not made yet. npm run pulumi -- up makes it.",
  );
  await expect(login("anne")).rejects.toThrow(
    '--user: the lab virtual has no user "anne". Did you mean ann?',
  );
  await expect(login("somebody")).rejects.toThrow("It has: ann, bob, pi-lab.");
  await expect(login("toString")).rejects.toThrow('no user "toString"');
});
