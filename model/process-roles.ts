import { nearest } from "./nearest";
import { Fault, kindOf, type Reader } from "./readers";
import type { BrokerHost, ProcessRole } from "./types";

const known: readonly ProcessRole[] = ["broker", "controller"];

const EITHER = "Write [broker, controller], which is the default, or [broker].";

/** `processRoles` of a host with the role broker: which roles, in whatever order. */
export const processRolesOfBroker: Reader<BrokerHost["processRoles"]> = (value) => {
  if (!Array.isArray(value)) return new Fault(`is ${kindOf(value)}, not a list`, EITHER);
  const words: readonly unknown[] = value;
  const stranger = words.find((word) => !known.some((role) => role === word));
  if (stranger !== undefined) {
    const near = typeof stranger === "string" ? nearest(stranger, known) : undefined;
    return new Fault(
      `has ${JSON.stringify(stranger)}, which is not a role of Kafka's processes`,
      near === undefined ? EITHER : `Did you mean ${near}? ${EITHER}`,
    );
  }
  if (new Set(words).size < words.length) return new Fault("names a role twice", EITHER);
  if (!words.includes("broker")) {
    return words.length === 0
      ? new Fault("is an empty list", EITHER)
      : new Fault(
          "leaves broker out, and the host's role is broker",
          `Give a host that is a controller alone the role controller, and no processRoles. ${EITHER}`,
        );
  }
  return words.length === 1 ? ["broker"] : ["broker", "controller"];
};
