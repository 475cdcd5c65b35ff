import { describeProblem, hostPrograms, labPrograms, parseLab } from "../../../model";
import { draftPrograms } from "../../../components/local-inputs";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

const TELEMETRY = { from: "hosts/+/telemetry", topic: "red", key: "{1}" };

/** A lab with an MQTT broker and a bridge, and the page in question. */
function paged(statusPage: unknown = {}, routes: readonly unknown[] = [TELEMETRY]): RawConfig {
  const config = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  change(config, ["bridge"], { routes });
  return change(config, ["statusPage"], statusPage);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

it("is served by the MQTT broker's host, under the lab's name, and reads what carries telemetry", () => {
  const routes = [
    TELEMETRY,
    { from: "hosts/client-1/#", topic: "green" },
    { from: "load/#", topic: "green" },
  ];
  const without = change(paged(), ["statusPage"], undefined);
  expect(parseLab(without).data.statusPage).toBeUndefined();
  expect(parseLab(paged({}, [routes[0], routes[2]])).data.statusPage).toEqual({
    ...{ host: "desk-1", port: 8080, title: "gcn" },
    ...{ telemetryTopics: ["red"], alertTopics: [] },
  });
  expect(parseLab(paged({}, [routes[1]])).data.statusPage?.telemetryTopics).toEqual(["green"]);
});

it("takes what is said instead", () => {
  const page = { host: "client-1", port: 8888, title: "Kafka on Pis" };
  const topics = { telemetryTopics: ["green"], alertTopics: ["red"] };
  const lab = parseLab(paged({ ...page, ...topics }));
  expect(lab.data.statusPage).toEqual({ ...page, ...topics });
});

it("does without MQTT where its host is named", () => {
  const config = change(physicalConfig(), ["statusPage"], { host: "client-2" });
  const lab = parseLab(config);
  expect(lab.data.statusPage).toMatchObject({ host: "client-2", telemetryTopics: [] });
  expect(labPrograms(lab)).toEqual(["ring", "status-page"]);
  const running = lab.hosts.filter((host) => hostPrograms(lab, host).includes("status-page"));
  expect(running.map(({ name }) => name)).toEqual(["client-2"]);
});

it("may describe topics and quorum, and read what it shows, where brokers ask who somebody is", () => {
  const config = change(paged({ alertTopics: ["green"] }), ["cluster", "authentication"], "scram");
  const acls = parseLab(config).acls.find(({ user }) => user === "pi-lab-status-page");
  const rules = acls?.rules.map(({ resource, name, operation }) =>
    [operation, resource, name].join(" "),
  );
  expect(rules).toEqual([
    "describe topic *",
    "describe cluster kafka-cluster",
    "read topic green",
    "read topic red",
  ]);
});

it("asks for its bundle, also of a configuration with mistakes", () => {
  expect(draftPrograms({ statusPage: {} }).get("status-page")).toBe("lab.statusPage");
});

describe("mistakes in the status page", () => {
  it.each<readonly [string, unknown, readonly string[]]>([
    [
      "an unknown host",
      { host: "desk1" },
      ["lab.statusPage.host: desk1 is not a host of the lab. Did you mean desk-1?"],
    ],
    [
      "another's port",
      { port: 1883 },
      [
        "lab.statusPage.port: 1883 is mqtt.port too: one host cannot listen twice on a port. Leave it out to have 8080, or choose another.",
      ],
    ],
    [
      "a program's port",
      { port: 9182 },
      [
        "lab.statusPage.port: 9182 is the port of the program telemetry too: one host cannot listen twice on a port. Leave it out to have 8080, or choose another.",
      ],
    ],
    [
      "Kafka's port on a broker",
      { host: "broker-1", port: 9092 },
      [
        "lab.statusPage.port: 9092 is cluster.clientPort too: one host cannot listen twice on a port. Leave it out to have 8080, or choose another.",
      ],
    ],
    [
      "a privileged port",
      { port: 80 },
      [
        "lab.statusPage.port: 80 is out of range: the status page's port is a whole number from 1024 to 65535. Give one, e.g. 8080.",
      ],
    ],
    [
      "a title that does not fit",
      { title: "x".repeat(61) },
      [`lab.statusPage.title: ${"x".repeat(59)}… has 61 characters; at most 60 fit. Shorten it.`],
    ],
    [
      "a title that turns its writing",
      { title: "a\u202eb" },
      [expect.stringContaining("holds a line break or another control character") as string],
    ],
    [
      "topics that there are none of, and one twice",
      { telemetryTopics: ["rde", "green", "green"], alertTopics: ["alerts"] },
      [
        "lab.statusPage.alertTopics[0]: alerts is not one of topics. Add it to topics, or name one of those.",
        "lab.statusPage.telemetryTopics[0]: rde is not one of topics. Did you mean red? Add it to topics, or name one of those.",
        "lab.statusPage.telemetryTopics[2]: green is named before. Name each topic once.",
      ],
    ],
    [
      "an unknown key",
      { prot: 8080 },
      [
        "lab.statusPage.prot: is not a known key. Did you mean port? Keys here: alertTopics, host, port, telemetryTopics, title.",
      ],
    ],
  ])("%s", (_what, statusPage, lines) => {
    expect(told(paged(statusPage))).toEqual(lines);
  });

  it("says that no host is named where no MQTT broker stands in", () => {
    expect(told(change(physicalConfig(), ["statusPage"], {}))).toEqual([
      "lab.statusPage.host: is missing, and there is no mqtt whose host would serve the page. Name one of hosts: broker-1, broker-2, broker-3, client-1, client-2, desk-1.",
    ]);
  });

  it("keeps it from PostgreSQL, Metabase and Kafka's figures on the same host", () => {
    const config = paged({ port: 5432 });
    change(config, ["store"], { topics: ["red"] });
    change(config, ["dashboards"], { metabaseJar: "downloads/metabase.jar" });
    change(config, ["cluster", "metrics"], true);
    const taken = (port: number, holder: string) =>
      `lab.statusPage.port: ${port} is ${holder} too: one host cannot listen twice on a port. Leave it out to have 8080, or choose another.`;
    const page = (more: object) => told(change(config, ["statusPage"], more));
    expect(page({ port: 5432 })).toEqual([taken(5432, "store.port")]);
    expect(page({ port: 3000 })).toEqual([taken(3000, "dashboards.port")]);
    expect(page({ port: 3000, host: "client-1" })).toEqual([]);
    expect(page({ port: 7071 })).toEqual([]);
    const holder = "where Kafka's nodes tell their figures";
    expect(page({ port: 7071, host: "broker-1" })).toEqual([taken(7071, holder)]);
  });

  it("lets the client port be where no broker is, and keeps its health's port from the listeners", () => {
    expect(told(paged({ port: 9092 }))).toEqual([]);
    expect(told(change(paged(), ["cluster", "clientPort"], 9188))).toEqual([
      "lab.cluster.clientPort: 9188 is where the status-page program tells its health: one host cannot listen twice on a port. Choose another; 9181, 9182, 9183, 9184, 9185, 9186, 9187, 9188 are the programs'.",
    ]);
  });
});
