export { swapGate } from "./gate";
export { Machines, type Access } from "./machines";
export { PiHost, type PiHostArgs } from "./pi-host";
export { Switch } from "./switch";
