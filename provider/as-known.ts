import type { Log, ReadRequest, ReadResult } from "../plugins/common/rpc";
import { isUnreachable } from "./admin/port";

/** Whether a read is an import, or a `get`: the state knows nothing of the resource. */
export const isImport = ({ outputs }: Pick<ReadRequest, "outputs">): boolean =>
  Object.keys(outputs).length === 0;

/**
 * What a look at the cluster found; where no broker answers what the state knew, with a warning. An import
 * knows nothing to keep, and fails.
 *
 * @param what with its verb or colon: `topic red:`, `the set of topics is`
 */
export async function orAsKnown(
  what: string,
  request: ReadRequest,
  log: Log,
  look: () => Promise<ReadResult>,
): Promise<ReadResult> {
  try {
    return await look();
  } catch (error) {
    if (!isUnreachable(error) || isImport(request)) throw error;
    log.warn(`${what} kept as last known: ${error.message}`);
    const { id, outputs, inputs } = request;
    return { id, outputs, inputs };
  }
}
