import { change, physicalConfig, problemsOf } from "../../support/lab-config";

describe("settings that hold a password or a key", () => {
  it.each([
    "ssl.key.password",
    "ssl.keystore.key",
    "sasl.jaas.config",
    "delegation.token.secret.key",
    "sasl.oauthbearer.client.credentials.client.secret",
    "listener.name.client.ssl.truststore.password",
  ])("%s is refused, and its value is not repeated", (key) => {
    const problems = problemsOf(
      change(physicalConfig(), ["cluster", "settings"], { [key]: "hunter2" }),
    );
    expect(problems.map(({ path }) => path)).toEqual([`lab.cluster.settings["${key}"]`]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});
