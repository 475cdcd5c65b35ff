import { join } from "node:path";
import { environmentOf } from "../../../scripts/lib/engine";
import { labFolder } from "../../../scripts/lib/lab-folder";

const PROGRAM_START = join(process.cwd(), "scripts/lib/program-start.cjs");

const folder = labFolder("virtual", "/labs");
const engine = { bin: "pulumi", env: { PATH: "/engine", PULUMI_HOME: "/cache/home" } };

test("nothing of the user's own Pulumi beats the lab's passphrase, backend, stack or plugins", () => {
  const environment = environmentOf(
    folder,
    engine,
    { PI_LAB_RUN: "r" },
    {
      HOME: "/home/ada",
      NODE_OPTIONS: "--max-old-space-size=4096",
      PATH: "/bin",
      PULUMI_ACCESS_TOKEN: "pul-1",
      PULUMI_BACKEND_URL: "s3://theirs",
      PULUMI_CONFIG_PASSPHRASE: "theirs",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/theirs",
      PULUMI_DIY_BACKEND_GZIP: "true",
      PULUMI_DIY_BACKEND_LEGACY_LAYOUT: "true",
      PULUMI_HOME: "/home/ada/.pulumi",
      PULUMI_PARALLEL: "4",
      PULUMI_STACK: "theirs",
    },
  );
  expect(environment).toEqual({
    HOME: "/home/ada",
    NODE_OPTIONS: `--max-old-space-size=4096 --require="${PROGRAM_START}"`,
    PATH: "/engine",
    PI_LAB_RUN: "r",
    PULUMI_BACKEND_URL: folder.backendUrl,
    PULUMI_CONFIG_PASSPHRASE_FILE: folder.passphraseFile,
    PULUMI_HOME: "/cache/home",
    PULUMI_PARALLEL: "4",
    PULUMI_STACK: "virtual",
  });
});
