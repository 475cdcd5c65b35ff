import { readIfPresent } from "./files";
import { run } from "../../toolchain/process";
import { checkpointFile, type LabFolder } from "./lab-folder";

/** Label of everything that a virtual lab has in Docker; the value is the lab's name. */
export const STACK_LABEL = "pi-lab.stack";

/** Label of the same; the value is the fingerprint of the key that the lab's machines let in. */
export const KEY_LABEL = "pi-lab.key";

/** Something of a virtual lab in Docker. */
export interface DockerObject {
  readonly kind: "container" | "network" | "volume";
  /** As the daemon names it: an id, for a volume its name. */
  readonly id: string;
  readonly name: string;
  /** The lab's name, from the label. */
  readonly lab: string;
  /** The fingerprint of the lab's key, from the label; undefined without one. */
  readonly key: string | undefined;
  readonly createdAt: Date;
}

const KINDS = ["container", "network", "volume"] as const;

/** How long one question to the daemon may take. */
const DOCKER_TIMEOUT_MS = 60_000;

async function docker(host: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run("docker", ["-H", host, ...args], { timeoutMs: DOCKER_TIMEOUT_MS });
  return stdout;
}

/** The containers, networks and volumes of labs on a daemon; of one lab when it is named. */
export async function dockerObjects(host: string, lab?: string): Promise<DockerObject[]> {
  const filter = [
    "--filter",
    lab === undefined ? `label=${STACK_LABEL}` : `label=${STACK_LABEL}=${lab}`,
  ];
  const found = await Promise.all(
    KINDS.map(async (kind) => {
      const all = kind === "container" ? ["--all"] : [];
      const ids = (await docker(host, [kind, "ls", ...all, "--quiet", ...filter]))
        .split("\n")
        .filter(Boolean);
      return ids.length === 0 ? [] : inspect(host, kind, ids);
    }),
  );
  return found.flat();
}

async function inspect(
  host: string,
  kind: DockerObject["kind"],
  ids: readonly string[],
): Promise<DockerObject[]> {
  const text = await docker(host, [kind, "inspect", ...ids]);
  interface Inspected {
    Id?: string;
    Name: string;
    Created?: string;
    CreatedAt?: string;
    Labels?: Record<string, string>;
    Config?: { Labels?: Record<string, string> };
  }
  return (JSON.parse(text) as Inspected[]).map((object) => {
    const labels = object.Config?.Labels ?? object.Labels ?? {};
    return {
      kind,
      id: object.Id ?? object.Name,
      name: object.Name.replace(/^\//, ""),
      lab: labels[STACK_LABEL] ?? "",
      key: labels[KEY_LABEL],
      createdAt: new Date(object.Created ?? object.CreatedAt ?? 0),
    };
  });
}

/** Removes them: containers first, since they hold the networks and volumes. What is gone already is no failure. */
export async function removeObjects(host: string, objects: readonly DockerObject[]): Promise<void> {
  for (const kind of KINDS) {
    const ids = objects.filter((object) => object.kind === kind).map(({ id }) => id);
    if (ids.length === 0) continue;
    const args = kind === "container" ? ["container", "rm", "--force", "--volumes"] : [kind, "rm"];
    try {
      await docker(host, [...args, ...ids]);
    } catch (error) {
      const left = new Set((await dockerObjects(host)).map(({ id }) => id));
      if (ids.some((id) => left.has(id))) throw error;
    }
  }
}

/**
 * The ids of all that the engine's state of this lab knows (a volume's id is its name). Not the names: a
 * container that is being replaced has the same name as its successor, of which the state knows nothing yet.
 */
export function idsInState(folder: LabFolder): ReadonlySet<string> {
  return new Set(resourcesInState(folder).flatMap(({ id }) => id ?? []));
}

interface Checkpoint {
  readonly checkpoint?: {
    readonly latest?: {
      readonly resources?: readonly StateResource[];
      readonly pending_operations?: readonly {
        readonly type: string;
        readonly resource: StateResource;
      }[];
    } | null;
  };
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

function checkpoint(folder: LabFolder): Checkpoint {
  const text = readIfPresent(checkpointFile(folder));
  return text === undefined ? {} : (JSON.parse(text) as Checkpoint);
}

/** The resources in the engine's state of this lab; none when it has never been up. */
export function resourcesInState(folder: LabFolder): readonly StateResource[] {
  return checkpoint(folder).checkpoint?.latest?.resources ?? [];
}

/** The URNs of resources whose creation was cut off: the engine cannot know whether they exist. */
export function pendingCreates(folder: LabFolder): string[] {
  return (checkpoint(folder).checkpoint?.latest?.pending_operations ?? [])
    .filter(({ type }) => type === "creating")
    .map(({ resource }) => resource.urn);
}
