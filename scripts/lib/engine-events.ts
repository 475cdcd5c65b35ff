/**
 * The engine's events as `pulumi up --json` and `destroy --json` print them, one JSON object a line
 * (previews too, with PULUMI_ENABLE_STREAMING_JSON_PREVIEW). Only what is used here is typed.
 */
export interface EngineEvent {
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly diagnosticEvent?: DiagnosticEvent;
  readonly stdoutEvent?: { readonly message: string };
  readonly resourcePreEvent?: { readonly metadata: StepMetadata; readonly planning?: boolean };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata; readonly planning?: boolean };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly summaryEvent?: SummaryEvent;
}

export interface DiagnosticEvent {
  readonly urn?: string;
  readonly prefix?: string;
  readonly message: string;
  readonly severity: "debug" | "info" | "info#err" | "warning" | "error";
  readonly streamID?: number;
  readonly ephemeral?: boolean;
}

export interface StepMetadata {
  /** `same`, `create`, `update`, `delete`, `replace`, `create-replacement`, `delete-replaced`, `read`, `refresh`, … */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  /** The provider's reference; empty for components and the stack, which have none. */
  readonly provider?: string;
  readonly old: ResourceState | null;
  readonly new: ResourceState | null;
  /** Top-level properties that differ. */
  readonly diffs?: readonly string[] | null;
  /** Differing properties by path, e.g. `config["retention.ms"]`. */
  readonly detailedDiff: Readonly<
    Record<string, { readonly diffKind: string; readonly inputDiff: boolean }>
  > | null;
  /** False for the halves of a replacement, which a user sees as one step. */
  readonly logical?: boolean;
}

export interface ResourceState {
  readonly type: string;
  readonly urn: string;
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface SummaryEvent {
  readonly durationSeconds: number;
  /** How many resources by operation, e.g. `{ same: 60, update: 1 }`. */
  readonly resourceChanges: Readonly<Record<string, number>>;
  readonly isPreview: boolean;
}

/** One line of the engine's output; undefined for a line that is no event (an early failure prints text). */
export function parseEvent(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "sequence" in value
      ? (value as EngineEvent)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The name at the end of a URN. Names may hold `::` themselves, so it is found by the four parts before it. */
export function nameOfUrn(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** The short name of a type token: `docker:index/container:Container` is `Container`. */
export function shortType(type: string): string {
  return type.slice(type.lastIndexOf(":") + 1);
}
