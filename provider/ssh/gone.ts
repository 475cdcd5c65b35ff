import { isSilence, type SshError } from "../../plugins/common/ssh";

/** Why a node's or host's former machine counts as gone, in words; undefined: it answers, and does not count so. */
export function goneBecause(address: string, error: SshError): string | undefined {
  if (error.code === "host_key_mismatch") return `another machine answers at ${address}`;
  return isSilence(error) ? `its former machine (${address}) does not answer` : undefined;
}
