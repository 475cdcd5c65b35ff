import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../lib/log";
import type { CoreState } from "./core/alerting";
import type { Alert } from "./core/ledger";

/** What survives a restart. */
export interface SavedState {
  readonly version: 1;
  /** The newest record of telemetry that it knows of, epoch ms. */
  readonly readMs: number | undefined;
  readonly core: CoreState;
  /** What each output has not taken yet. */
  readonly queues: Readonly<Record<string, readonly Alert[]>>;
}

/** Undefined where there is none, or none that can be used: that one is put aside and told of. */
export async function loadState(file: string, log: Log): Promise<SavedState | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read: ${String(error)}`, { cause: error });
  }
  try {
    const state = JSON.parse(text) as SavedState;
    if (state.version === 1) return state;
  } catch {
    // Not ours to mend, whatever it is.
  }
  const aside = `${file}.unusable`;
  await rename(file, aside);
  log("error", "the state cannot be used: alerts that were told may be told again", { aside });
  return undefined;
}

/** Writes the state as a whole: whoever is killed meanwhile finds the former one. */
export class StateFile {
  private writing: Promise<void> | undefined;
  private isWanted = false;

  /** @param make gives the state as it is then */
  constructor(
    private readonly file: string,
    private readonly make: () => SavedState,
    private readonly told: (error: Error | undefined) => void,
  ) {}

  /** Resolves when the state of now, or a later one, is on the disk, or could not be written. */
  async save(): Promise<void> {
    this.isWanted = true;
    // The one under way may have begun before what is to be saved.
    while (this.isWanted) {
      this.writing ??= this.write().finally(() => {
        this.writing = undefined;
      });
      await this.writing;
    }
    await this.writing;
  }

  private async write(): Promise<void> {
    this.isWanted = false;
    try {
      const text = JSON.stringify(this.make());
      const next = `${this.file}.next`;
      await writeThrough(next, text);
      await rename(next, this.file);
      await sync(dirname(this.file));
      this.told(undefined);
    } catch (error) {
      this.told(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

async function writeThrough(file: string, text: string): Promise<void> {
  const handle = await open(file, "w", 0o640);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
