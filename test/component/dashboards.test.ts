import * as pulumi from "@pulumi/pulumi";
import { createLab, type MadeOutputs } from "../../components/lab";
import { parseLab } from "../../model";
import { change, physicalConfig } from "../support/lab-config";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram } from "../support/recorded";

const COMMAND = "command:remote:Command";
const COPY = "command:remote:CopyToRemote";
const PASSWORD = "random:index/randomPassword:RandomPassword";

const config = change(physicalConfig(), ["store"], { host: "desk-1", topics: ["red"] });
change(config, ["dashboards"], { host: "desk-1", metabaseJar: "metabase.jar" });
change(config, ["databricks"], {
  ...{ host: "client-1", workspace: "https://dbc-1.cloud.databricks.com" },
  ...{ volume: "/Volumes/main/lab/records", topics: ["red"] },
});
const lab = parseLab(config);

let program: RecordedProgram;
let made: MadeOutputs;
beforeAll(async () => {
  program = await RecordedProgram.of(() => {
    made = createLab(lab, localInputs, {}, "databricks-secret");
    return made;
  });
});

test("Metabase's jar is copied to its host alone, before the services are brought", () => {
  const copies = program.names(COPY).filter((name) => name.endsWith("-metabase"));
  expect(copies).toEqual(["desk-1-metabase"]);
  expect(program.get(COPY, "desk-1-metabase").inputs["remotePath"]).toBe(
    "/var/tmp/pi-lab-metabase.jar",
  );
  expect(program.get(COMMAND, "desk-1-services").dependsOn).toContain(`${COPY} desk-1-metabase`);
});

test("its passwords are made by the stack, in a component of their own, and told as secrets", async () => {
  const names = program.names(PASSWORD).filter((name) => name.startsWith("dashboards-"));
  expect(names.sort()).toEqual(["dashboards-encryption-key", "dashboards-password"]);
  for (const name of names) {
    expect(program.get(PASSWORD, name).parent).toBe("pilab:dashboards:Secrets dashboards-secrets");
  }
  expect(program.names(PASSWORD)).toContain("store-metabase");
  // One of some three hundred passwords would have none, and Metabase refuses that.
  expect(program.get(PASSWORD, "dashboards-password").inputs).toMatchObject({ minNumeric: 1 });
  expect(made.dashboards).toMatchObject({
    ...{ url: "http://10.0.42.6:3000", email: "admin@pi-lab.internal" },
  });
  expect(await pulumi.isSecret(made.dashboards!.password)).toBe(true);
});

test("what is pushed with secrets is secret", () => {
  for (const host of ["desk-1", "client-1"]) {
    expect(program.get(COMMAND, `${host}-services`).secrets).toContain("stdin");
  }
  const stdin = String(program.get(COMMAND, "client-1-services").inputs["stdin"]);
  expect(stdin).toContain("databricks-secret");
});

test("a lab without either has nothing of them", async () => {
  const plain = await RecordedProgram.of(() => createLab(parseLab(physicalConfig()), localInputs));
  expect(plain.names(PASSWORD)).toEqual([]);
  expect(plain.names("pilab:dashboards:Secrets")).toEqual([]);
});
