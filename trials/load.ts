import { loadavg } from "node:os";
import { watchCores } from "../bench/machine";

/** How busy the machine was with everything that ran on it, the lab included. */
export interface Load {
  /** Cores at work, on average over the trial. */
  readonly busyCores: number;
  /** The greatest load average (of a minute) that was seen. */
  readonly most: number;
}

const LOOK_MS = 5000;

/** Looks at the machine's load while some work goes on. */
export async function underWatch<T>(work: () => Promise<T>): Promise<T & { readonly load: Load }> {
  const busyCores = watchCores();
  let most = 0;
  const look = (): void => {
    most = Math.max(most, loadavg()[0] ?? 0);
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  try {
    const result = await work();
    look();
    return { ...result, load: { busyCores: busyCores(), most } };
  } finally {
    clearInterval(timer);
  }
}
