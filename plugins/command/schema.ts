import { VERSION } from "./version";

type Spec = Record<string, unknown>;

const text: Spec = { type: "string" };
const texts: Spec = { type: "array", items: text };
const triggers: Spec = {
  type: "array",
  items: { $ref: "pulumi.json#/Any" },
  replaceOnChanges: true,
};
const logging = (module: string): Spec => ({ $ref: `#/types/command:${module}:Logging` });

const common: Spec = {
  addPreviousOutputInEnv: { type: "boolean" },
  create: text,
  delete: text,
  environment: { type: "object", additionalProperties: text },
  stdin: text,
  triggers,
  update: text,
};
const connection: Spec = { $ref: "#/types/command:remote:Connection", secret: true };

const resource = (inputs: Spec, requiredInputs: string[], outputs: Spec): Spec => ({
  inputProperties: inputs,
  requiredInputs,
  properties: { ...inputs, ...outputs },
  required: [...requiredInputs, ...Object.keys(outputs)],
});

const loggingType: Spec = {
  type: "string",
  enum: ["stdout", "stderr", "stdoutAndStderr", "none"].map((value) => ({ value })),
};

/** The part of the official package's schema that this plugin covers. */
export function schema(): string {
  const streams = { stdout: text, stderr: text };
  return JSON.stringify({
    name: "command",
    version: VERSION,
    types: {
      "command:local:Logging": loggingType,
      "command:remote:Logging": loggingType,
      "command:remote:Connection": {
        type: "object",
        properties: {
          agentSocketPath: text,
          dialErrorLimit: { type: "integer", default: 10 },
          host: text,
          hostKey: text,
          password: { ...text, secret: true },
          perDialTimeout: { type: "integer", default: 15 },
          port: { type: "number", default: 22 },
          privateKey: { ...text, secret: true },
          privateKeyPassword: { ...text, secret: true },
          user: { type: "string", default: "root" },
        },
        required: ["host"],
      },
    },
    resources: {
      "command:local:Command": resource(
        { ...common, dir: text, interpreter: texts, logging: logging("local") },
        [],
        streams,
      ),
      "command:remote:Command": resource(
        { ...common, connection, logging: logging("remote") },
        ["connection"],
        streams,
      ),
      "command:remote:CopyToRemote": resource(
        { connection, remotePath: text, source: { $ref: "pulumi.json#/Asset" }, triggers },
        ["connection", "source", "remotePath"],
        {},
      ),
    },
  });
}
