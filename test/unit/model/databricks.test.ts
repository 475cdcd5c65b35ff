import { databricksSecretProblems, describeProblem, parseLab } from "../../../model";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

const WORKSPACE = "https://dbc-a1b2345c-d6e7.cloud.databricks.com";
const VOLUME = "/Volumes/main/lab/records";
const whole = { workspace: WORKSPACE, volume: VOLUME, topics: ["red"] };

function uploading(databricks: unknown = whole): RawConfig {
  const config = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  return change(config, ["databricks"], databricks);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

it("runs on the MQTT broker's host with a token, if nothing else is said", () => {
  expect(parseLab(uploading()).data.databricks).toEqual({
    ...{ host: "desk-1", workspace: WORKSPACE, volume: VOLUME, clientId: undefined },
    ...{ topics: ["red"], everySeconds: 30, batchKib: 512 },
  });
});

it("takes another host, without any MQTT", () => {
  const config = change(
    uploading({ ...whole, host: "client-1", clientId: "c" }),
    ["mqtt"],
    undefined,
  );
  expect(told(config)).toEqual([]);
  expect(parseLab(config).data.databricks).toMatchObject({ host: "client-1", clientId: "c" });
});

it("has a user of its own where brokers ask, who may read its topics and no other", () => {
  const lab = parseLab(change(uploading(), ["cluster", "authentication"], "scram"));
  const rules = lab.acls.find(({ user }) => user === "pi-lab-databricks")?.rules ?? [];
  expect(rules.map(({ resource, name, operation }) => `${operation} ${resource} ${name}`)).toEqual([
    "describe topic red",
    "read topic red",
    "read group pi-lab-databricks",
  ]);
});

const VOLUME_REMEDY =
  "Write /Volumes/CATALOG/SCHEMA/VOLUME, with folders below it if you like, and no slash at its end.";
const ADDRESS_REMEDY =
  "Copy what stands before the first single slash in the browser's address bar.";

describe("mistakes in the upload", () => {
  it.each<readonly [string, object, readonly string[]]>([
    [
      "an unknown host",
      { host: "desk1" },
      ["lab.databricks.host: desk1 is not a host of the lab. Did you mean desk-1?"],
    ],
    [
      "an address without https",
      { workspace: "dbc-a1b2345c-d6e7.cloud.databricks.com" },
      [
        `lab.databricks.workspace: dbc-a1b2345c-d6e7.cloud.databricks.com is not the address of a workspace, which begins with https://. ${ADDRESS_REMEDY}`,
      ],
    ],
    [
      "an address with more",
      { workspace: `${WORKSPACE}/?o=1` },
      [
        `lab.databricks.workspace: ${WORKSPACE}/?o=1 has more than the address: ${WORKSPACE} is all of it. ${ADDRESS_REMEDY}`,
      ],
    ],
    [
      "DBFS",
      { volume: "dbfs:/mnt/lab" },
      [`lab.databricks.volume: dbfs:/mnt/lab is not the folder of a volume. ${VOLUME_REMEDY}`],
    ],
    [
      "a path that climbs",
      { volume: `${VOLUME}/..` },
      [`lab.databricks.volume: ${VOLUME}/.. is not the folder of a volume. ${VOLUME_REMEDY}`],
    ],
    [
      "an unknown topic, and one twice",
      { topics: ["rad", "red", "red"] },
      [
        "lab.databricks.topics[0]: rad is not one of topics. Did you mean red? Add it to topics, or name one of those.",
        "lab.databricks.topics[2]: red is named before. Name each topic once.",
      ],
    ],
    [
      "no topic",
      { topics: [] },
      [
        "lab.databricks.topics: is empty: nothing would be uploaded. Name a topic, or leave databricks out.",
      ],
    ],
    [
      "batches that a fetch cannot bring",
      { batchKib: 2048, everySeconds: 0 },
      [
        "lab.databricks.batchKib: 2048 is out of range: what is uploaded at once is a whole number from 1 to 1024 KiB. Give one, e.g. 512.",
        "lab.databricks.everySeconds: 0 is out of range: the seconds between two uploads is a whole number from 1 to 300 seconds. Give one, e.g. 30.",
      ],
    ],
  ])("%s", (_what, mistake, problems) => {
    expect(told(uploading({ ...whole, ...mistake }))).toEqual(problems);
  });

  it("nowhere to run", () => {
    expect(told(change(uploading(), ["mqtt"], undefined))).toEqual([
      "lab.databricks.host: is missing, and there is no mqtt whose host it could be. Name the host that is to run it.",
    ]);
  });

  it("a port that the program has", () => {
    expect(told(change(uploading(), ["cluster", "clientPort"], 9187))).toEqual([
      "lab.cluster.clientPort: 9187 is where the databricks program tells its health: one host cannot listen twice on a port. Choose another; 9181, 9182, 9183, 9184, 9185, 9186, 9187, 9188 are the programs'.",
    ]);
  });
});

describe("the secret beside the lab", () => {
  const secretOf = (databricks: object | undefined, secret: string | undefined) =>
    databricksSecretProblems(databricks === undefined ? {} : { databricks }, secret).map(
      describeProblem,
    );

  it("is there where it is used, and nowhere else", () => {
    expect(secretOf(whole, "dapi123")).toEqual([]);
    expect(secretOf(undefined, undefined)).toEqual([]);
    expect(secretOf(whole, undefined)).toEqual([
      "pi-lab:databricksSecret: is missing. Set a personal access token: `pulumi config set --secret pi-lab:databricksSecret`.",
    ]);
    expect(secretOf({ ...whole, clientId: "c-1" }, undefined)[0]).toContain(
      "Set the OAuth secret of c-1:",
    );
    expect(secretOf(undefined, "dapi123")).toEqual([
      "pi-lab:databricksSecret: is given, and lab.databricks is not. Remove it: `pulumi config rm pi-lab:databricksSecret`.",
    ]);
  });

  it("is refused with a line's end, and not repeated", () => {
    const [problem = ""] = secretOf(whole, "dapi123\n");
    expect(problem).toContain("holds blanks");
    expect(problem).not.toContain("dapi123");
  });
});
