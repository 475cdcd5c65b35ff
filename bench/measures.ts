/** What is measured, and what each is held against. */
export type MeasureId =
  | "script"
  | "cold"
  | "cold-with-preview"
  | "noop-preview"
  | "preview"
  | "noop-up"
  | "up"
  | "topic"
  | "six-cold"
  | "six-preview"
  | "six-up"
  | "ansible"
  | "ansible-again"
  | `drift-${DriftSize}`
  | `ssh-${DriftSize}`
  | "swap"
  | `swap-${SwapPart}`
  | "swap-away"
  | "swap-limit"
  | `swap-limit-${"copy" | "start"}`
  | "roll"
  | "roll-bare"
  | "roll-gate"
  | `roll-${RestartPart}`
  | `roll-bare-${RestartPart}`
  | `topics-${TopicWork}`
  | `topics-noop-${TopicWork}`
  | `topics-bare-${"create" | "refresh" | "destroy"}`
  | "bridge"
  | `bridge-${Exclude<BridgeKind, "ours">}`;

export const driftSizes = [6, 60, 600] as const;
export type DriftSize = (typeof driftSizes)[number];

/** The parts of a swap, one after the other: together they are the whole `up`. */
export const swapParts = [
  "preview",
  "prepare",
  "format",
  "gate",
  "fence",
  "start",
  "fill",
  "voters",
  "rest",
] as const;
export type SwapPart = (typeof swapParts)[number];

/** The parts of one broker's restart; `broker` is all of them. */
export type RestartPart = "stop" | "start" | "sync" | "broker";

/** What is done with a stack of many topics; `preview` and `up` find nothing to do. */
export type TopicWork = "create" | "preview" | "up" | "refresh" | "destroy";

/** Who carries messages from MQTT into Kafka: the lab's bridge, one that does not wait, `mosquitto_sub | kcat`. */
export type BridgeKind = "ours" | "plain" | "piped";

export type Aim =
  | { readonly kind: "ratio"; readonly atMost: number }
  | { readonly kind: "seconds"; readonly below: number };

/** Measured in the same run, under the same conditions. */
interface Peer {
  readonly id: MeasureId;
  /** As in "1.2x the script". */
  readonly called: string;
}

interface Measure {
  readonly title: string;
  /** An aim that is a ratio is one to the first of them. */
  readonly peers?: readonly Peer[];
  readonly aims?: readonly Aim[];
}

/** What is ours of a run with many topics, beside the engine's and the program's part of it. */
const manyTopics = (title: string, work: TopicWork, bareId?: MeasureId): Measure => ({
  title,
  peers: [
    { id: `topics-noop-${work}`, called: "no-op plugin" },
    ...(bareId === undefined ? [] : [{ id: bareId, called: "the bare client" }]),
  ],
  aims: [{ kind: "ratio", atMost: 1.3 }],
});
const bare = (id: MeasureId): readonly Peer[] => [{ id, called: "bare" }];
const limit: readonly Peer[] = [{ id: "swap-limit", called: "the limit" }];

/** In the order of the table. */
export const measures: Readonly<Record<MeasureId, Measure>> = {
  script: { title: "3 hosts: the shell script, from no container to full ISR" },
  ansible: {
    title: "3 hosts: Ansible's first run, from no container to full ISR",
    peers: [{ id: "script", called: "the script" }],
  },
  cold: {
    title: "3 hosts: cold up, as `npm run lab` runs it",
    peers: [
      { id: "script", called: "the script" },
      { id: "ansible", called: "Ansible" },
    ],
    aims: [{ kind: "ratio", atMost: 1.2 }],
  },
  "cold-with-preview": {
    title: "3 hosts: cold up with its preview",
    peers: [{ id: "script", called: "the script" }],
  },
  "noop-preview": { title: "3 hosts: unchanged preview, no-op plugins" },
  preview: {
    title: "3 hosts: unchanged preview",
    peers: [{ id: "noop-preview", called: "no-op plugins" }],
    aims: [
      { kind: "ratio", atMost: 1.3 },
      { kind: "seconds", below: 4 },
    ],
  },
  "noop-up": { title: "3 hosts: unchanged up with its preview, no-op plugins" },
  "ansible-again": { title: "3 hosts: Ansible's second run, nothing changed" },
  up: {
    title: "3 hosts: unchanged up with its preview",
    peers: [
      { id: "noop-up", called: "no-op plugins" },
      { id: "ansible-again", called: "Ansible" },
    ],
    aims: [{ kind: "seconds", below: 7 }],
  },
  topic: { title: "3 hosts: up with its preview, one setting of one topic changed" },
  "six-cold": { title: "6 hosts (without MQTT): cold up" },
  "six-preview": { title: "6 hosts (without MQTT): unchanged preview" },
  "six-up": { title: "6 hosts (without MQTT): unchanged up with its preview" },
  "ssh-6": { title: "6 hosts (without MQTT): `ssh HOST true`, 32 at once" },
  "drift-6": { title: "6 hosts (without MQTT): drift", peers: bare("ssh-6") },
  "ssh-60": { title: "60 stand-ins for hosts: `ssh HOST true`, 32 at once" },
  "drift-60": { title: "60 stand-ins for hosts: drift", peers: bare("ssh-60") },
  "ssh-600": { title: "600 stand-ins for hosts: `ssh HOST true`, 32 at once" },
  "drift-600": { title: "600 stand-ins for hosts: drift", peers: bare("ssh-600") },
  "swap-limit-copy": { title: "swap's limit: the bytes copied from Pi to Pi, plain TCP" },
  "swap-limit-start": { title: "swap's limit: Kafka started until it serves" },
  "swap-limit": { title: "swap's limit: both" },
  swap: { title: "swap: a broker given another machine, up with its preview", peers: limit },
  "swap-preview": { title: "swap, part 1: the preview with the swap's gate" },
  "swap-prepare": { title: "swap, part 2: the machine prepared (packages, archive, files)" },
  "swap-format": { title: "swap, part 3: the disk formatted to join" },
  "swap-gate": { title: "swap, part 4: the gate of the rollout" },
  "swap-fence": { title: "swap, part 5: the former machine fenced" },
  "swap-start": { title: "swap, part 6: Kafka started until it serves" },
  "swap-fill": { title: "swap, part 7: from then until its replicas are full" },
  "swap-voters": { title: "swap, part 8: the old disk voted out, the new one in" },
  "swap-rest": { title: "swap, part 9: the rest of the run" },
  "swap-away": { title: "swap, parts 5 to 7: the broker is away", peers: limit },
  "roll-bare-stop": { title: "bare restart of a broker: stop" },
  "roll-bare-start": { title: "bare restart of a broker: start until it serves" },
  "roll-bare-sync": { title: "bare restart of a broker: from then until it is in sync" },
  "roll-bare-broker": { title: "bare restart of a broker: all of it" },
  "roll-bare": { title: "bare restarts of three brokers, one after another" },
  "roll-gate": { title: "roll, a broker: the gate before its restart" },
  "roll-stop": { title: "roll, a broker: stop", peers: bare("roll-bare-stop") },
  "roll-start": { title: "roll, a broker: start until it serves", peers: bare("roll-bare-start") },
  "roll-sync": {
    title: "roll, a broker: from then until it is in sync",
    peers: bare("roll-bare-sync"),
  },
  "roll-broker": {
    title: "roll, a broker: from its stop until it is in sync",
    peers: bare("roll-bare-broker"),
  },
  roll: {
    title: "roll of three brokers: a setting edited, up with its preview",
    peers: bare("roll-bare"),
  },
  "topics-bare-create": { title: "topics: a bare client, until all are in sync" },
  "topics-bare-refresh": { title: "topics: a bare client describes all" },
  "topics-bare-destroy": { title: "topics: a bare client deletes all" },
  "topics-noop-create": { title: "topics: up that makes them, no-op plugin" },
  "topics-create": manyTopics("topics: up that makes them", "create", "topics-bare-create"),
  "topics-noop-preview": { title: "topics: unchanged preview, no-op plugin" },
  "topics-preview": manyTopics("topics: unchanged preview", "preview"),
  "topics-noop-up": { title: "topics: unchanged up, no-op plugin" },
  "topics-up": manyTopics("topics: unchanged up", "up"),
  "topics-noop-refresh": { title: "topics: refresh, no-op plugin" },
  "topics-refresh": manyTopics("topics: refresh", "refresh", "topics-bare-refresh"),
  "topics-noop-destroy": { title: "topics: destroy, no-op plugin" },
  "topics-destroy": manyTopics("topics: destroy", "destroy", "topics-bare-destroy"),
  "bridge-piped": { title: "bridge: `mosquitto_sub` into `kcat`, a backlog of 60,000" },
  "bridge-plain": { title: "bridge: a plain one that does not wait, a backlog of 60,000" },
  bridge: {
    title: "bridge: ours, a backlog of 60,000",
    peers: [
      { id: "bridge-plain", called: "the plain one" },
      { id: "bridge-piped", called: "the pipe" },
    ],
  },
};

/** Seconds, in the order of measuring. */
export type Samples = Readonly<Partial<Record<MeasureId, readonly number[]>>>;

/** Something that was to be measured and could not be. */
export interface Failure {
  readonly what: string;
  readonly reason: string;
}
