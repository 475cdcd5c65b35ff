import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { toStruct } from "./struct";
import type { PropertyMap } from "./values";

/**
 * The resource exists, but not as wanted. The engine stores `outputs` as its true state, keeps
 * the inputs of the last success (unless `inputs` is given), fails the update, and forces an
 * update of this resource in the next run. The state travels in an HTTP/2 header: 3 MB were seen to
 * arrive, 14 MB not.
 */
export class InitFailedError extends Error {
  override readonly name = "InitFailedError";

  constructor(
    readonly state: {
      readonly id: string;
      readonly outputs: PropertyMap;
      readonly inputs?: PropertyMap;
      /** Shown to the user, one paragraph each. */
      readonly reasons: readonly string[];
    },
  ) {
    super(state.reasons.join("\n"));
  }
}

/** Work that was refused or broken off because the run is being cancelled or the engine ended. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";

  constructor(message = "cancelled") {
    super(message);
  }
}

/** The engine has died, and another run may have begun already: work is broken off as it stands. */
export class EngineGoneError extends CancelledError {}

/**
 * Longest error text that is sent, in characters. Texts travel in an HTTP/2 header, whose size
 * receivers limit, and no one reads more.
 */
const MAX_MESSAGE = 16_384;

/** The error as gRPC sends it to the engine. */
export function toServiceError(error: unknown): Partial<ServiceError> {
  const message = clip(messageOf(error));
  if (error instanceof CancelledError) return { code: status.CANCELLED, details: message };
  if (!(error instanceof InitFailedError)) return { code: status.UNKNOWN, details: message };
  const { id, outputs, inputs, reasons } = error.state;
  const detail = new ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(toStruct(outputs));
  if (inputs !== undefined) detail.setInputs(toStruct(inputs));
  detail.setReasonsList(reasons.map(clip));
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const rich = new Status();
  rich.setCode(status.UNKNOWN);
  rich.setMessage(message);
  rich.addDetails(packed);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(rich.serializeBinary()));
  return { code: status.UNKNOWN, details: message, metadata };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" ? error.name : error.message;
}

/** Keeps both ends: the start says what failed, the end mostly why. */
function clip(text: string): string {
  if (text.length <= MAX_MESSAGE) return text;
  const half = MAX_MESSAGE / 2;
  const left = text.length - MAX_MESSAGE;
  return `${text.slice(0, half)}\n… ${left} characters left out …\n${text.slice(-half)}`;
}
