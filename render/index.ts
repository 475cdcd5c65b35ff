export { publicKeyFingerprint, renderAuthorizedKeys } from "./authorized-keys";
export { jaasHash, nodeFiles, nodeWant, type NodeWant } from "./node-files";
export {
  bundleHash,
  fileHash,
  renderBundle,
  type StagedEntry,
  type StagedFile,
  type StagedLink,
} from "./bundle";
export { renderChronyConf } from "./clock";
export { hostWants, type PushedWith } from "./host-wants";
export {
  installedArchivePath,
  pushedAgentPath,
  renderAgentScript,
  renderInstallScript,
  type InstallArgs,
} from "./install";
export { directoryIdOf, diskIdentity, kafkaBase64Id } from "./kafka-base64-id";
export { renderKafkaEnv } from "./kafka-env";
export { renderKafkaHosts } from "./kafka-hosts";
export { kafkaPaths } from "./kafka-paths";
export { renderKafkaUnit } from "./kafka-unit";
export { renderLog4j2 } from "./log4j2";
export {
  broughtPackages,
  containerHostFiles,
  labPackages,
  renderBringScript,
  renderPrepareScript,
  type PrepareOptions,
} from "./prepare";
export {
  birthVoters,
  renderServerProperties,
  rolloutProperties,
  serverProperties,
} from "./server-properties";
export { openSshPublicKey, renderOpenSshPrivateKey } from "./ssh-host-key";
export {
  hasServices,
  hostServices,
  secretNames,
  servicePrograms,
  type HostService,
  type ServiceSecrets,
} from "./services";
export { metabasePaths } from "./services/metabase";
export { pushedPaths, renderServicesScript, type ProgramSums } from "./services/push";
export { renderQuietScript } from "./services/quiet";
