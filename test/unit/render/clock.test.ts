import type { Lab } from "../../../model/types";
import { renderChronyConf } from "../../../render";
import { expectGolden } from "../../support/golden";
import { brokerFixture, labFixture } from "../../support/lab-fixture";

const lab = labFixture();
const server = brokerFixture(lab, 1);
const other = brokerFixture(lab, 2);
const withClock = (clock: Lab["clock"]): Lab => ({ ...lab, clock });

test("the lab's clock server and the others are as approved", () => {
  expectGolden("unit/render/golden/chrony-server.conf", renderChronyConf(lab, server));
  expectGolden("unit/render/golden/chrony.conf", renderChronyConf(lab, other));
});

test("only the clock server follows the upstream: addresses as servers, names as pools", () => {
  const online = withClock({ ...lab.clock, upstream: ["192.0.2.1", "pool.ntp.org"] });
  expect(renderChronyConf(online, server)).toMatch(
    /^server 192\.0\.2\.1 iburst\npool pool\.ntp\.org iburst$/m,
  );
  expect(renderChronyConf(online, other)).not.toContain("pool.ntp.org");
});

test("where no host serves, each follows the upstream and none serves", () => {
  const each = withClock({ server: undefined, upstream: ["pool.ntp.org"] });
  for (const host of [server, other]) {
    const conf = renderChronyConf(each, host);
    expect(conf).toContain("pool pool.ntp.org iburst");
    expect(conf).not.toMatch(/^(local|allow)/m);
  }
});
