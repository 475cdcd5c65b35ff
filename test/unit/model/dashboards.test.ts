import { describeProblem, parseLab } from "../../../model";
import {
  change,
  physicalConfig,
  problemsOf,
  virtualConfig,
  type RawConfig,
} from "../../support/lab-config";

const whole = { metabaseJar: "downloads/metabase.jar" };

function shown(dashboards: unknown = whole): RawConfig {
  const config = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  change(config, ["store"], { topics: ["red"] });
  return change(config, ["dashboards"], dashboards);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

it("runs on the MQTT broker's host, on port 3000 and Java 21, if nothing else is said", () => {
  expect(parseLab(shown()).data.dashboards).toEqual({
    ...{ host: "desk-1", metabaseJar: "downloads/metabase.jar", port: 3000, java: 21 },
    ...{ email: "admin@pi-lab.internal", heapMib: 1024 },
  });
});

it("makes Metabase's own role one that no reader may have", () => {
  expect(told(change(shown(), ["store", "readers"], ["metabase"]))).toHaveLength(1);
});

const LISTENS = "one host cannot listen twice on a port";

describe("mistakes", () => {
  it.each<readonly [string, object, readonly string[]]>([
    [
      "an unknown host",
      { host: "desk1" },
      ["lab.dashboards.host: desk1 is not a host of the lab. Did you mean desk-1?"],
    ],
    [
      "a port that PostgreSQL has",
      { port: 5432 },
      [
        `lab.dashboards.port: 5432 is store.port too: ${LISTENS}. Leave it out to have 3000, or choose another.`,
      ],
    ],
    [
      "a port that a program has",
      { port: 9186 },
      [
        `lab.dashboards.port: 9186 is the port of the program dashboards too: ${LISTENS}. Leave it out to have 3000, or choose another.`,
      ],
    ],
    [
      "no address",
      { email: "Admin" },
      [
        "lab.dashboards.email: Admin is not an e-mail address in small letters. Write one, e.g. you@example.com, or leave it out.",
      ],
    ],
    [
      "Java that nobody has",
      { java: 19 },
      ["lab.dashboards.java: 19 is no Java that Debian has for long. Known: 17, 21, 25."],
    ],
    [
      "a heap that does not fit",
      { heapMib: 8192 },
      [
        "lab.dashboards.heapMib: 8192 does not fit on desk-1: with the system and 4 programs it takes 10496 MiB, and a pi-4b-8gb has 8192. Name a host with more memory under dashboards.host, or a smaller heap.",
      ],
    ],
    [
      "a heap that does not fit beside Kafka",
      { host: "broker-2", heapMib: 5000 },
      [
        "lab.dashboards.heapMib: 5000 does not fit on broker-2: with the system, Kafka (2560 MiB) and 1 programs it takes 9081 MiB, and a pi-4b-8gb has 8192. Name a host with more memory under dashboards.host, or a smaller heap.",
      ],
    ],
  ])("%s", (_what, mistake, problems) => {
    expect(told(shown({ ...whole, ...mistake }))).toEqual(problems);
  });

  it("no jar, no store, nowhere to run, all at once", () => {
    const config = change(change(shown({}), ["store"], undefined), ["mqtt"], undefined);
    expect(told(config)).toEqual([
      "lab.dashboards: shows what the store holds, and store is not given. Add store: {}, or remove dashboards.",
      "lab.dashboards.host: is missing, and there is no mqtt whose host it could be. Name the host that is to run it.",
      "lab.dashboards.metabaseJar: is missing. Give the file of Metabase's jar, e.g. downloads/metabase.jar.",
    ]);
  });

  it("Java that virtual Pis do not have", () => {
    const config = change(virtualConfig(), ["store"], { host: "desk-1", topics: ["red"] });
    change(config, ["dashboards"], { ...whole, host: "desk-1" });
    expect(told(config)).toEqual([
      "lab.dashboards.java: 21 is no Java of virtual Pis, which run Debian 12. Write java: 17, and take Metabase v0.52, the last that runs on it.",
    ]);
    expect(told(change(config, ["dashboards", "java"], 17))).toEqual([]);
  });

  it("a port of Kafka's that the program has", () => {
    expect(told(change(shown(), ["cluster", "controllerPort"], 9186))[0]).toContain(
      "lab.cluster.controllerPort: 9186 is where the dashboards program tells its health",
    );
  });
});
