import type { PropertyMap } from "../../../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import { HostStateHandler } from "../../../../provider/host-state/handler";

const handler = new HostStateHandler(() => Promise.reject(new Error("nobody connects here")));
const check = (news: PropertyMap) => handler.check({ urn: "", name: "", type: "", olds: {}, news });

test("what is wanted may come during the update: files with a password that is made first", () => {
  expect(check({ host: "a", pushes: UNKNOWN }).failures ?? []).toEqual([]);
  expect(check({ host: "a", pushes: new Secret(UNKNOWN) }).failures ?? []).toEqual([]);
});

test("what is known is looked at all the same", () => {
  const bad = { stage: { files: { "/etc/kafka/hosts": "0644" } } };
  expect(check({ host: "a", pushes: bad }).failures).toEqual([
    expect.objectContaining({ property: "pushes.stage.files./etc/kafka/hosts" }),
  ]);
});
