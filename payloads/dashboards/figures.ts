import { Counter, Gauge, type Registry } from "prom-client";

export interface Figures {
  readonly rounds: Counter<"outcome">;
  readonly changes: Counter;
  readonly lastSuccess: Gauge;
}

export function makeFigures(registry: Registry): Figures {
  const registers = [registry];
  const name = (rest: string) => `pilab_dashboards_${rest}`;
  return {
    rounds: new Counter({
      name: name("rounds_total"),
      help: "Looks at what Metabase shows, by outcome",
      labelNames: ["outcome"],
      registers,
    }),
    changes: new Counter({
      name: name("changes_total"),
      help: "What was made in Metabase, or changed back",
      registers,
    }),
    lastSuccess: new Gauge({
      name: name("last_success_timestamp_seconds"),
      help: "When Metabase last showed all that is wanted, epoch seconds",
      registers,
    }),
  };
}
