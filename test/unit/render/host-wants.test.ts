import { createHash } from "node:crypto";

import type { Host, HostWants, Lab } from "../../../model";
import { nodeFiles, hostWants, renderBundle, renderPrepareScript } from "../../../render";
import { brokerFixture, labFixture, nodeFixture, separateFixture } from "../../support/lab-fixture";

const real = labFixture();
const virtual = labFixture({ substrate: { kind: "virtual", image: "pi", internet: true } });
const separate = separateFixture();
const client = real.hosts.find(({ role }) => role === "client")!;

/** The bundles in a script, by the function that prints each. */
function bundles(script: string): Record<string, string> {
  const found = script.matchAll(/^(\w+_files)\(\) \{\n {2}cat <<'(\w+)'\n([^]*?)\2\n/gm);
  return Object.fromEntries([...found].map(([, name, , text]) => [name!, text!]));
}

/** What a bundle's lines put on a host: `PATH MODE OWNER SHA256`. */
function brought(bundle: string): string[] {
  return bundle.split(/^(?=file |link |end)/m).flatMap((entry) => {
    const [header = "", ...lines] = entry.trimEnd().split("\n");
    const [kind, path, mode, owner] = header.split(" ");
    if (kind !== "file") return [];
    const text = lines.map((line) => `${line.slice(1)}\n`).join("");
    return [`${path} ${mode} ${owner} ${createHash("sha256").update(text).digest("hex")}`];
  });
}

const lookedAt = (wants: HostWants[keyof HostWants]): string[] =>
  Object.entries(wants?.files ?? {}).map(
    ([path, { mode, owner, sha256 }]) => `${path} ${mode} ${owner} ${sha256}`,
  );

test.each<[string, Lab, Host]>([
  ["a broker", real, brokerFixture(real, 2)],
  ["a controller", separate, nodeFixture(separate, 2)],
  ["a client", real, client],
  ["a virtual broker", virtual, brokerFixture(virtual, 2)],
])(
  "every file that the preparation of %s brings is looked at again, and no other",
  (_, lab, host) => {
    const { common_files, container_files, board_files } = bundles(renderPrepareScript(lab, host));
    const kind = lab === virtual ? container_files : board_files;
    expect(lookedAt(hostWants(lab, host).prepare)).toEqual([
      ...brought(common_files!),
      ...brought(kind!),
    ]);
    expect(brought(common_files!).length).toBeGreaterThan(3);
  },
);

test("so is every staged file, and the link to the distribution", () => {
  const broker = brokerFixture(real, 1);
  const { stage } = hostWants(real, broker);
  expect(lookedAt(stage)).toEqual(brought(renderBundle(nodeFiles(real, broker))));
  expect(stage?.links).toEqual({ "/opt/kafka/current": "kafka-4.1.1" });
});

test("what only a real Pi gets is not missed on a container that plays one", () => {
  const { files = {} } = hostWants(real, client).prepare ?? {};
  const conditional = Object.keys(files).filter((path) => files[path]?.unlessContainer);
  expect(conditional).toEqual(["/etc/sysctl.d/60-pi-lab.conf"]);
});

test("only a broker needs a JRE, a distribution, and Kafka's unit", () => {
  expect(Object.keys(hostWants(real, client))).toEqual(["prepare"]);
  expect(hostWants(real, client).prepare?.present).toBeUndefined();
  const wants = hostWants(real, brokerFixture(real, 1));
  expect(wants.prepare?.present).toEqual({ "/usr/bin/java": "present" });
  expect(wants.install?.present).toEqual({ "/opt/kafka/kafka-4.1.1/libs": "present" });
  expect(Object.keys(wants.stage?.units ?? {})).toEqual(["kafka.service"]);
});
