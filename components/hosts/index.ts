export { swapGate } from "./gate";
export { Machines, type Access } from "./machines";
export type { LocalFile, ProgramFiles } from "./program-files";
export { PiHost, type PiHostArgs } from "./pi-host";
export { labPreflight, type LabPreflightArgs } from "./preflight";
export { Switch } from "./switch";
