import * as pulumi from "@pulumi/pulumi";
import { createLab, labOutputs } from "./components/lab";
import { localProblems, readLocalInputs } from "./components/local-inputs";
import {
  alertingSecretProblems,
  ConfigError,
  databricksSecretProblems,
  parseLab,
  parsePasswords,
  passwordProblems,
  readPasswords,
} from "./model";

/** Configuration -> model -> components -> outputs. All of a user's mistakes are told at once. */
function main(): Record<string, unknown> {
  try {
    const config = new pulumi.Config();
    const passwords = parsePasswords(config.get("passwords"));
    const databricksSecret = config.get("databricksSecret");
    const alerting = {
      webhookSecret: config.get("webhookSecret"),
      smtpPassword: config.get("smtpPassword"),
    };
    const lab = parseLab(config.getObject("lab"), (draft) => [
      ...localProblems(draft, __dirname),
      ...passwordProblems(draft, passwords),
      ...databricksSecretProblems(draft, databricksSecret),
      ...alertingSecretProblems(draft, alerting),
    ]);
    const inputs = readLocalInputs(lab, __dirname);
    const made = createLab(lab, inputs, readPasswords(passwords), databricksSecret, alerting);
    return { ...labOutputs(lab), ...made };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Not thrown on: the engine would print a stack trace around it, and take many seconds to do so.
    void pulumi.log.error(error.message);
    process.exitCode = 1;
    return {};
  }
}

export = main();
