import { noopTypes } from "../../../bench/noop/outputs";
import { Secret } from "../../../plugins/common/rpc";
import * as resources from "../../../provider/resources";

describe("the plugins that do nothing", () => {
  it("know every type of our provider", () => {
    const types = Object.values(resources).flatMap((value) =>
      typeof value === "function" && "type" in value ? [value.type] : [],
    );
    expect(types.length).toBeGreaterThan(0);
    expect(Object.keys(noopTypes.pilab).sort()).toEqual(types.sort());
  });

  it("answer a staging command as a host does", () => {
    const { stdout } = noopTypes.command["command:remote:Command"]({ create: "stage" });
    expect(JSON.parse(stdout as string)).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      time: expect.any(String) as string,
    });
  });

  it("give random bytes of the length that was asked for, as secrets", () => {
    const random = noopTypes.random["random:index/randomBytes:RandomBytes"];
    const { base64 } = random({ length: 32 });
    expect(base64).toBeInstanceOf(Secret);
    expect(Buffer.from((base64 as Secret).value as string, "base64")).toHaveLength(32);
  });
});
