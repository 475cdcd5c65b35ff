import type { DetailedDiff } from "./diff";
import type { PropertyMap } from "./values";

/** Where a handler's messages go: to the engine, under the resource that is being worked on. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Shown beside the resource until the next one comes; leaves no line behind. */
  status(message: string): void;
}

/** What every handler gets besides its request. */
export interface CallContext {
  /**
   * Aborted when the user cancels, when the engine asks the plugin to end, and when the engine
   * has died. A handler stops what it can stop, begins nothing new, and returns or throws soon.
   */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** The resource that a call is about. */
export interface Target {
  readonly urn: string;
  /** Last part of the urn: the name that the program gave. */
  readonly name: string;
  /** Type token, such as `pilab:kafka/topic:Topic`. */
  readonly type: string;
}

export interface CheckRequest extends Target {
  /** Inputs of the last update, empty for a new resource. */
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
}

export interface CheckFailure {
  /** Path of the property at fault, see `propertyPath`. */
  readonly property: string;
  readonly reason: string;
}

export interface CheckResult {
  /** The inputs with defaults filled in. */
  readonly inputs: PropertyMap;
  readonly failures?: readonly CheckFailure[];
}

export interface DiffRequest extends Target {
  readonly id: string;
  /** Outputs of the last update. */
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly ignoreChanges: readonly string[];
}

export interface DiffResult {
  /** Empty: nothing changes, unless `changes` says otherwise. */
  readonly detailedDiff: DetailedDiff;
  /** Default: whether `detailedDiff` has an entry. */
  readonly changes?: boolean;
  /** Default: false, the replacement is created first. */
  readonly deleteBeforeReplace?: boolean;
  /** Outputs that an update is known not to change: they stay known in its preview. */
  readonly stables?: readonly string[];
}

export interface CreateRequest extends Target {
  readonly news: PropertyMap;
  readonly preview: boolean;
  /** The `customTimeouts` of the resource, 0 if there is none. */
  readonly timeoutSeconds: number;
}

export interface CreateResult {
  /** May be empty in a preview only. */
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface ReadRequest extends Target {
  readonly id: string;
  /** Empty in an import. */
  readonly outputs: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface ReadResult {
  /** Empty: the resource is gone. */
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface UpdateRequest extends Target {
  readonly id: string;
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly preview: boolean;
  readonly timeoutSeconds: number;
  readonly ignoreChanges: readonly string[];
}

export interface UpdateResult {
  readonly outputs: PropertyMap;
}

export interface DeleteRequest extends Target {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly timeoutSeconds: number;
}

/** Result of a handler that may do without waiting. */
export type Awaitable<T> = T | Promise<T>;

/**
 * One resource type. What is left out:
 * check accepts everything; diff compares the inputs, every change an update (a replacement where
 * there is no `update`); read gives back the last known state; delete forgets.
 */
export interface ResourceHandler {
  check?(request: CheckRequest, context: CallContext): Awaitable<CheckResult>;
  diff?(request: DiffRequest, context: CallContext): Awaitable<DiffResult>;
  create(request: CreateRequest, context: CallContext): Awaitable<CreateResult>;
  read?(request: ReadRequest, context: CallContext): Awaitable<ReadResult>;
  update?(request: UpdateRequest, context: CallContext): Awaitable<UpdateResult>;
  delete?(request: DeleteRequest, context: CallContext): Awaitable<void>;
}

/** A provider plugin: its configuration and its resource types, by token. */
export interface Provider {
  readonly name: string;
  /** Semantic version, without a "v". */
  readonly version: string;
  readonly resources: Readonly<Record<string, ResourceHandler>>;
  /** JSON text of the package schema. Default: one without resources. */
  readonly getSchema?: () => string;
  /**
   * Node programs send every provider property that is no string as JSON text. Default: accepts
   * everything.
   */
  checkConfig?(request: CheckRequest, context: CallContext): Awaitable<CheckResult>;
  /** Default: compares the inputs; no change replaces. */
  diffConfig?(request: DiffRequest, context: CallContext): Awaitable<DiffResult>;
  /** Not called while a property of the configuration is unknown. */
  configure?(config: PropertyMap, context: CallContext): Awaitable<void>;
  /** Called before each create, update and delete that is no preview. */
  beforeChange?(): void;
  /** Called when the user cancels, besides the abort of every handler's signal. */
  cancel?(): void;
}
