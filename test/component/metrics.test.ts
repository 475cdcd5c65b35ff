import { createLab } from "../../components/lab";
import { parseLab } from "../../model";
import { pushedAgentPath } from "../../render";
import { change, physicalConfig } from "../support/lab-config";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram } from "../support/recorded";

const COMMAND = "command:remote:Command";
const COPY = "command:remote:CopyToRemote";

const recorded = (config: Record<string, unknown>, secrets = {}): Promise<RecordedProgram> =>
  RecordedProgram.of(() => createLab(parseLab(config), localInputs, {}, undefined, secrets));

describe("a lab that asks for the nodes' figures", () => {
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await recorded(change(physicalConfig(), ["cluster", "metrics"], true));
  });

  it("has the agent on each broker before what starts it is staged", () => {
    const copy = program.get(COPY, "broker-2-jmx-agent");
    expect(copy.inputs["remotePath"]).toBe(pushedAgentPath);
    const install = program.get(COMMAND, "broker-2-jmx-agent-install");
    expect(install.dependsOn).toContain(`${COPY} broker-2-jmx-agent`);
    expect(install.inputs["stdin"]).toContain(localInputs.agent!.sha256);
    expect(program.get(COMMAND, "broker-2-files").dependsOn).toContain(
      `${COMMAND} broker-2-jmx-agent-install`,
    );
  });

  it("has it nowhere else", () => {
    const names = program.resources.map(({ name }) => name).filter((one) => one.includes("jmx"));
    expect(names.sort()).toEqual(
      [1, 2, 3].flatMap((n) => [`broker-${n}-jmx-agent`, `broker-${n}-jmx-agent-install`]),
    );
  });
});

it("is as it was without", async () => {
  const program = await recorded(physicalConfig());
  expect(program.resources.some(({ name }) => name.includes("jmx"))).toBe(false);
});

it("alerting's secrets from the configuration are secret wherever they go", async () => {
  const config = change(physicalConfig(), ["alerting"], {
    host: "desk-1",
    outputs: { webhook: { url: "https://example.org/hook" } },
  });
  const webhookSecret = "correct-horse-battery-staple";
  const program = await recorded(config, { webhookSecret });
  const services = program.get(COMMAND, "desk-1-services");
  expect(services.inputs["stdin"]).toContain(webhookSecret);
  expect(services.secrets).toContain("stdin");
  // The state has the file's hash: something in it is nobody's choice.
  expect(services.inputs["stdin"]).toMatch(/"salt": "[^"]+"/);
  program.get("random:index/randomPassword:RandomPassword", "alerting-salt");
  for (const { name, inputs, secrets } of program.resources) {
    const open = Object.keys(inputs).filter((key) => !secrets.includes(key));
    const told = open.filter((key) => JSON.stringify(inputs[key]).includes(webhookSecret));
    expect([name, told]).toEqual([name, []]);
  }
});
