/** What a rollout tells of a node at the moments by which others measure it. */

export type Verb = "started" | "restarted";

/** It begins to stop the node on the machines that it leaves; where they are is told behind it. */
export function stopping(host: string): string {
  return `${host}: stopping Kafka where it may run`;
}

export function being(verb: Verb, host: string): string {
  return `${host}: being ${verb}`;
}

export function inSync(verb: Verb, host: string): string {
  return `${host}: ${verb}, and in sync`;
}

/** @param voter its host, id and directory */
export function joined(voter: string): string {
  return `${voter} joined the quorum`;
}
