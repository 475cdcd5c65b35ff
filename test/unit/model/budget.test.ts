import { boardNames, memoryBudget } from "../../../model";

describe.each(boardNames)("the memory of a %s", (board) => {
  const budget = memoryBudget(board);

  it("is divided whole, and bears a heap that Kafka can work with", () => {
    const { boardMib, systemMib, programsMib, jvmMib, pageCacheMib, maxHeapMib } = budget;
    expect(systemMib + programsMib + jvmMib + pageCacheMib + maxHeapMib).toBe(boardMib);
    expect(maxHeapMib).toBeGreaterThanOrEqual(512);
    // Measured: 160 MiB beside a heap of 512.
    expect(jvmMib).toBeGreaterThanOrEqual(2 * 160);
  });
});

it("leaves the lab's board the heap that the documentation names", () => {
  expect(memoryBudget("pi-4b-8gb").maxHeapMib).toBe(4778);
});
