import * as pulumi from "@pulumi/pulumi";
import { createLab, labOutputs } from "./components/lab";
import { localProblems, readLocalInputs } from "./components/local-inputs";
import { ConfigError, parseLab } from "./model";

/** Configuration -> model -> components -> outputs. All of a user's mistakes are told at once. */
function main(): Record<string, unknown> {
  try {
    const config = new pulumi.Config().getObject("lab");
    const lab = parseLab(config, (draft) => localProblems(draft, __dirname));
    createLab(lab, readLocalInputs(lab, __dirname));
    return { ...labOutputs(lab) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Not thrown on: the engine would print a stack trace around it, and take many seconds to do so.
    void pulumi.log.error(error.message);
    process.exitCode = 1;
    return {};
  }
}

export = main();
