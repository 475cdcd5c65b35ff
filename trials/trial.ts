import type { Verdict } from "./checker/ledger";
import type { Ground } from "./ground";
import type { Log } from "../toolchain/log";
import type { Engine } from "../scripts/lib/engine";
import type { Endured } from "./endure";
import type { Choice } from "./kill/points";
import type { Load } from "./load";

/** Undoes what a fault did. */
export type Heal = () => Promise<void>;

/** Something that befalls a lab while records are written. */
export interface Trial {
  /** As in `--only NAME`. */
  readonly name: string;
  /** What is done, for the table. */
  readonly title: string;
  /** What must be so before the first record is written. */
  readonly prepare?: (ground: Ground) => Promise<void>;
  /**
   * Does it. Where it does not end by itself, how it is undone is returned; that is done after `holdMs`,
   * also when the trial fails meanwhile.
   */
  readonly befall: (ground: Ground) => Promise<Heal | void>;
  /** How long it lasts. Default 0. */
  readonly holdMs?: number;
  /** It kills the engine at moments of a change: `--kills` and `--part` choose among them. */
  readonly atMoments?: boolean;
  /** The lab is not as others expect it afterwards: it is removed, and the next trial gets a new one. */
  readonly spoilsLab?: boolean;
}

/** What a trial on brokers or a lab of its own has at hand. */
export interface Bench {
  /** Begins the name of everything that it makes in Docker, and that of its labs. */
  readonly name: string;
  /** A folder of the run's own, which is removed at its end. */
  readonly folder: string;
  /** Free while the trial runs. */
  readonly subnet: string;
  readonly dockerHost: string;
  readonly engine: Engine;
  /** Records a second, where any are written. */
  readonly rate: number;
  /** At which moments of a change its engine is killed. */
  readonly kills: Choice;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Tells something for the outcome. */
  readonly note: (text: string) => void;
}

/** Something that is tried on brokers of the trial's own, or on a lab of its own. */
export interface BrokerTrial extends Pick<Trial, "name" | "title" | "atMoments"> {
  /** Whether it writes records, and says what became of them. Default: no. */
  readonly writesRecords?: boolean;
  /** Rejects with what was not as it should be. */
  readonly tryOut: (bench: Bench) => Promise<Endured | void>;
}

export type AnyTrial = Trial | BrokerTrial;

export const isOnBrokers = (trial: AnyTrial): trial is BrokerTrial => "tryOut" in trial;

/** When things happened in a trial, in the checker's time. */
export interface Moments {
  readonly fellMs: number;
  /** When it was undone, or had ended by itself. */
  readonly healedMs: number;
  /** When every broker said that all is well. */
  readonly wellMs: number;
}

/** What became of a trial. */
export interface Outcome {
  readonly name: string;
  readonly title: string;
  /** What else is worth telling: who was hit. */
  readonly notes: readonly string[];
  /** Whether records were to be written at all. Default: yes. */
  readonly recordless?: boolean;
  /** Undefined where the records could not be read back: then nothing is known. */
  readonly verdict?: Verdict | undefined;
  readonly moments: Partial<Moments>;
  /** Latencies are to be read beside it; a loss is a loss under any load. */
  readonly load?: Load | undefined;
  /** Why the trial failed, apart from what the verdict says; none where it went to its end. */
  readonly problem?: string | undefined;
}

/** A trial is passed if it and its records went to their end and no acknowledged record is lost. */
export function passed({ recordless, verdict, problem }: Outcome): boolean {
  if (recordless === true) return problem === undefined;
  return (
    problem === undefined &&
    verdict?.lost.length === 0 &&
    verdict.unacknowledged === 0 &&
    verdict.endedEarly === undefined
  );
}
