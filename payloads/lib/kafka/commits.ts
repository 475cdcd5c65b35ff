import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "./fetch-request";
import type { Commit } from "./group-request";
import { LinkError } from "./link";
import { keyOf } from "./owned";

/** Between two tries, ms. */
const PAUSE_MS = 200;

/** What has been handled and is to be committed: of each partition the latest. */
export class Commits {
  private readonly pending = new Map<string, Commit>();
  private flushing: Promise<void> | undefined;

  /** @param send gives what it could not commit */
  constructor(private readonly send: (commits: readonly Commit[]) => Promise<readonly Commit[]>) {}

  add(commit: Commit): void {
    this.pending.set(keyOf(commit), commit);
  }

  drop(place: Place): void {
    this.pending.delete(keyOf(place));
  }

  clear(): void {
    this.pending.clear();
  }

  /** Resolves once nothing is left to commit; whoever asks meanwhile waits for the same. */
  flush(): Promise<void> {
    this.flushing ??= this.loop().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  private async loop(): Promise<void> {
    while (this.pending.size > 0) {
      const commits = [...this.pending.values()];
      const left = await this.send(commits).catch((error: unknown) => {
        if (!(error instanceof LinkError)) throw error;
        return commits;
      });
      for (const commit of commits) {
        const key = keyOf(commit);
        if (!left.includes(commit) && this.pending.get(key) === commit) this.pending.delete(key);
      }
      if (left.length > 0) await sleep(PAUSE_MS);
    }
  }
}
