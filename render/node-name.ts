/**
 * The name by which the controllers know a node, e.g. `node-3.internal`. It stands in the voters' endpoints,
 * which the quorum keeps in its own log, so it is made of what a node has for life: its id. A host may be
 * renamed without a voter's endpoint becoming another, and without a restart. No host can have a name with a
 * dot, and `internal` is kept free of public names.
 */
export function nodeName(nodeId: number): string {
  return `node-${nodeId}.internal`;
}
