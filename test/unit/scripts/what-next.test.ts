import type { Lab, TopicName } from "../../../model";
import { labFolder } from "../../../scripts/lib/lab-folder";
import { whatNext } from "../../../scripts/lib/what-next";
import { labFixture } from "../../support/lab-fixture";

const lab: Lab = labFixture();
const folder = labFolder("virtual");

test("a lab that wants a login: Kafka's own tool gets the file with one", () => {
  expect(whatNext(folder, lab)).toMatch(
    / there: kafka-topics\.sh --bootstrap-server 10\.0\.42\.1:9092 --describe$/m,
  );
  const secured: Lab = { ...lab, cluster: { ...lab.cluster, authentication: "scram" } };
  expect(whatNext(folder, secured)).toMatch(
    / there: sudo kafka-topics\.sh --bootstrap-server 10\.0\.42\.1:9092 --command-config \/etc\/kafka\/admin\.properties --describe$/m,
  );
});

test("a topic's path is written as everywhere else", () => {
  const [first, ...rest] = lab.topics;
  const named = (name: string): Lab => ({
    ...lab,
    topics: [{ ...first!, name: name as TopicName }, ...rest],
  });
  expect(whatNext(folder, named("red"))).toMatch(/\(e\.g\. topics\.red\.config: /);
  expect(whatNext(folder, named("alerts.a"))).toMatch(/\(e\.g\. topics\["alerts\.a"\]\.config: /);
});
