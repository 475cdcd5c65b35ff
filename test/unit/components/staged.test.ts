import { parseStaged } from "../../../components/kafka/staged";

const answer = { hash: "0f", time: "2026-01-01T00:00:00Z" };

describe("parseStaged", () => {
  it("takes the last line, whatever a login prints before", () => {
    expect(parseStaged("broker-1", `${JSON.stringify(answer)}\n`)).toEqual(answer);
    expect(parseStaged("broker-1", `Welcome!\n${JSON.stringify(answer)}\n`)).toEqual(answer);
  });

  it.each([[""], ["Welcome!"], ["{}"], ['{"hash":1,"time":2}'], ["null"]])(
    "names the host, the answer and the remedy at %j",
    (stdout) => {
      expect(() => parseStaged("broker-2", stdout)).toThrow(/^broker-2: .*--replace/s);
    },
  );
});
