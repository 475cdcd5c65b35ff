import { rootCause } from "../../../../shared/kafka/root-cause";

test("the system's own words stand for all that was made of them", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9092"), {
    code: "ECONNREFUSED",
  });
  expect(rootCause(refused)).toBe("connect ECONNREFUSED 127.0.0.1:9092");
  expect(rootCause(new Error("Connection failed", { cause: refused }))).toBe(refused.message);
  // As a name with several addresses has it.
  const all = Object.assign(new AggregateError([refused, refused], ""), { code: "ECONNREFUSED" });
  expect(rootCause(new Error("Connection failed", { cause: all }))).toBe(refused.message);
  const wordless = Object.assign(new Error(""), { code: "EHOSTUNREACH" });
  expect(rootCause(new Error("Connection failed", { cause: wordless }))).toBe("EHOSTUNREACH");
  expect(rootCause(new Error("x", { cause: "y" }))).toBe("x");
});
