import { randomBytes } from "node:crypto";
import type {
  CallContext,
  CheckFailure,
  DiffRequest,
  DiffResult,
  PropertyMap,
  PropertyValue,
  ResourceHandler,
} from "../common/rpc";
import { diffProperties, reveal, sameValue, UNKNOWN } from "../common/rpc";
import { Checker } from "./check";
import type { Kind } from "./check";
import { LOGGING, readLogging } from "./output";

export interface Outputs {
  readonly stdout: string;
  readonly stderr: string;
}

/** What local and remote commands have in common: when which command runs, and on what. */
export interface CommandKind {
  /** Properties besides the common ones. */
  readonly properties: Readonly<Record<string, Kind>>;
  /** Gives the inputs with defaults and secrets in place. */
  check(checker: Checker, inputs: PropertyMap): PropertyMap;
  /** Runs to its end; throws if the command fails. */
  run(invocation: Invocation, context: CallContext): Promise<Outputs>;
}

export interface Invocation {
  readonly command: PropertyValue;
  readonly inputs: PropertyMap;
  /** Of the resource's previous command, "" before its first. */
  readonly previous: Outputs;
}

const COMMON: Readonly<Record<string, Kind>> = {
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  logging: "string",
  environment: "string map",
  addPreviousOutputInEnv: "boolean",
  triggers: "list",
};

export function commandResource(kind: CommandKind): ResourceHandler {
  const run = async (
    command: PropertyValue | undefined,
    inputs: PropertyMap,
    previous: Outputs,
    context: CallContext,
  ): Promise<Outputs> =>
    command === undefined || command === null
      ? previous
      : kind.run({ command, inputs, previous }, context);

  return {
    check({ news }) {
      const checker = new Checker();
      checker.kinds(news, { ...COMMON, ...kind.properties });
      checker.oneOf(news, "logging", LOGGING);
      const inputs = kind.check(checker, news);
      return { inputs, failures: checker.failures satisfies CheckFailure[] };
    },

    diff: compareInputs,

    async create({ name, news, preview }, context) {
      if (preview) return { id: "", outputs: { ...news, ...ALL_UNKNOWN } };
      const outputs = await run(news["create"], news, NOTHING, context);
      return { id: `${name}${uniqueSuffix()}`, outputs: { ...news, ...outputs } };
    },

    async update({ olds, news, preview }, context) {
      const previous = previousOutputs(olds);
      if (preview) {
        const changed = Object.keys(news).some((key) => !sameValue(olds[key], news[key]));
        return { outputs: { ...news, ...(changed ? ALL_UNKNOWN : previous) } };
      }
      const command = news["update"] ?? news["create"];
      return { outputs: { ...news, ...(await run(command, news, previous, context)) } };
    },

    async delete({ outputs }, context) {
      await run(outputs["delete"], outputs, previousOutputs(outputs), context);
    },
  };
}

/** Structural comparison of the inputs; whatever changes below `triggers` replaces. */
export function compareInputs({ oldInputs, news }: DiffRequest): DiffResult {
  const own = (inputs: PropertyMap): PropertyMap =>
    Object.fromEntries(
      Object.entries(inputs).filter(([key]) => key !== "version" && !key.startsWith("__")),
    );
  return { detailedDiff: diffProperties(own(oldInputs), own(news), { replaceOn: ["triggers"] }) };
}

/** Ids as the official plugin makes them. */
export const uniqueSuffix = (): string => randomBytes(4).toString("hex");

const NOTHING: Outputs = { stdout: "", stderr: "" };
const ALL_UNKNOWN = { stdout: UNKNOWN, stderr: UNKNOWN };

function previousOutputs(state: PropertyMap): Outputs {
  const text = (name: string): string => {
    const value = reveal(state[name]);
    return typeof value === "string" ? value : "";
  };
  return { stdout: text("stdout"), stderr: text("stderr") };
}

/** What every kind of command reads of its inputs. */
export function readCommon({ command, inputs, previous }: Invocation) {
  const environment = reveal(inputs["environment"]) as Record<string, string> | null | undefined;
  const pass = reveal(inputs["addPreviousOutputInEnv"]) !== false;
  const previousEnv: Record<string, string> = {};
  if (pass && previous.stdout !== "") previousEnv["PULUMI_COMMAND_STDOUT"] = previous.stdout;
  if (pass && previous.stderr !== "") previousEnv["PULUMI_COMMAND_STDERR"] = previous.stderr;
  return {
    text: reveal(command) as string,
    stdin: (reveal(inputs["stdin"]) as string | null | undefined) ?? "",
    environment: environment ?? {},
    previousEnv,
    logging: readLogging(inputs),
  };
}
