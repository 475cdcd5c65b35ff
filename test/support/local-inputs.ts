import { createHash } from "node:crypto";
import type { LocalInputs } from "../../components/local-inputs";
import { programNames } from "../../model";

/** Any file that is there: mocks copy nothing. */
const file = (text: string) => ({
  path: __filename,
  sha256: createHash("sha256").update(text).digest("hex"),
});

/** What a program finds on the controlling machine, for labs under mocks. */
export const localInputs: LocalInputs = {
  access: { privateKey: "PRIVATE", authorizedKey: "ssh-ed25519 AAAAuser" },
  archive: file("archive"),
  agent: file("agent"),
  programs: {
    node: file("node"),
    files: Object.fromEntries(programNames.map((name) => [name, file(name)])),
    metabase: file("metabase"),
  },
};
