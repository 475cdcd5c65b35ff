export * from "./diff";
export { CancelledError, EngineGoneError, InitFailedError } from "./errors";
export type * from "./provider";
export { serve, startServer } from "./serve";
export type { RunningServer, ServeOptions } from "./serve";
export { fromStruct, toStruct } from "./struct";
export * from "./values";
