import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../shared/shell";

type ScriptName =
  | "bring"
  | "former-services"
  | "install"
  | "jmx-agent"
  | "kafka-tool"
  | "lib"
  | "packages"
  | "prepare"
  | "quiet"
  | "services"
  | "stage"
  | "stamp";

/** The parts that a script takes in between `lib` and its own text. */
const PARTS = {
  bring: ["former-services", "packages"],
  install: [],
  "jmx-agent": [],
  prepare: ["former-services", "packages"],
  quiet: ["former-services"],
  services: ["former-services"],
} as const satisfies Readonly<Partial<Record<ScriptName, readonly ScriptName[]>>>;

function read(name: ScriptName): string {
  return readFileSync(join(__dirname, "scripts", `${name}.sh`), "utf8");
}

const lib = read("lib");

/** The stage helper, whole. Its argument, if any, is the host's name in its messages. */
export const stageHelper = `#!/bin/bash\npi_host=\${1-}\n${lib}\n${read("stage")}`;
/** The stamp helper, whole. */
export const stampHelper = read("stamp");
/** The launcher of Kafka's command-line tools, whole. */
export const kafkaToolHelper = read("kafka-tool");

/** A script that `bash -s` reads on its standard input: variables, functions, and a body that uses them. */
export function hostScript(
  body: keyof typeof PARTS,
  variables: Readonly<Record<string, string | readonly (string | number)[] | number>>,
  texts: Readonly<Record<string, string>> = {},
): string {
  return [
    ...Object.entries(variables).map(([name, value]) => `${name}=${shellValue(value)}`),
    lib,
    ...PARTS[body].map(read),
    ...Object.entries(texts).map(([name, text]) => textFunction(name, text)),
    read(body),
  ].join("\n");
}

function shellValue(value: string | readonly (string | number)[] | number): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quote(value);
  return `(${value.map((one) => quote(String(one))).join(" ")})`;
}

const END_OF_TEXT = "PI_LAB_END_OF_TEXT";

/** A shell function that prints `text`, which stays readable in the script: a change shows as its lines. */
function textFunction(name: string, text: string): string {
  if (text.split("\n").includes(END_OF_TEXT))
    throw new Error(`${name}: has the line ${END_OF_TEXT}`);
  return `${name}() {\n  cat <<'${END_OF_TEXT}'\n${text}${END_OF_TEXT}\n}\n`;
}
