import type { DatabricksConfig } from "../../model";
import type { Ground, Running } from "../lib/program";
import type { RecordConsumer } from "../lib/records";
import { makeFigures } from "./figures";
import { Stopped, Uploader } from "./uploader";
import { Workspace } from "./workspace";

/** How long what is under way may take when the program ends, ms. */
const FINISH_MS = 10_000;
/** Between two looks at the backlog, ms. */
const LOOK_MS = 15_000;

type Source = RecordConsumer & {
  trouble(): string | undefined;
  backlog(): Promise<bigint | undefined>;
};

interface Options {
  /** Called when reading has ended by itself: nothing is uploaded from then on. */
  readonly onEnd: () => void;
  /** Before the second try, ms. Default 1000. */
  readonly firstPauseMs?: number;
}

/** The upload at work, on whatever reads its records. */
export function startDatabricks(
  config: DatabricksConfig,
  { log, metrics, signal }: Ground,
  source: Source,
  { onEnd, firstPauseMs }: Options,
): Running {
  const figures = makeFigures(metrics);
  const giveUp = new AbortController();
  const uploader = new Uploader({
    ...{ workspace: new Workspace(config), figures, log },
    ...{ stopping: signal, giveUp: giveUp.signal },
    ...(firstPauseMs !== undefined && { firstPauseMs }),
  });
  let failure: Error | undefined;
  const running = source
    .run((batch) => uploader.take(batch))
    .catch((error: unknown) => {
      if (error instanceof Stopped) return;
      failure = error instanceof Error ? error : new Error(String(error));
      log("error", "the upload has ended", { error: failure.message });
      onEnd();
    });
  const look = () =>
    void source.backlog().then((count) => {
      if (count !== undefined) figures.backlog.set(Number(count));
    });
  const timer = setInterval(look, LOOK_MS);
  return {
    health: () => failure?.message ?? uploader.problem() ?? source.trouble(),
    async stop() {
      clearInterval(timer);
      const late = setTimeout(() => giveUp.abort(), FINISH_MS);
      await source.close();
      await running;
      clearTimeout(late);
    },
  };
}
