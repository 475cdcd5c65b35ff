import type { DashboardsConfig } from "../../model";
import { runProgram, type Ground, type Running } from "../lib/program";
import { dashboardsConfig } from "./config";
import { startDashboards } from "./dashboards";

void runProgram<DashboardsConfig>({
  name: "dashboards",
  config: dashboardsConfig,
  start: (config: DashboardsConfig, ground: Ground): Promise<Running> =>
    Promise.resolve(startDashboards(config, ground)),
});
