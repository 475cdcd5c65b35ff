import type { Machine } from "../../bench/machine";

/** A machine on which something was measured. */
export const machineFixture: Machine = {
  cores: 2,
  processor: "Some Processor",
  memoryGib: 24,
  kernel: "Linux 6.1",
  node: "20.19.0",
  pulumi: "3.230.0",
  docker: "20.10",
  commit: "abc1234",
};
