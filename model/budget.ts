import { boards } from "./catalogue";
import type { BoardName } from "./types";

/**
 * How a broker's board divides its memory, MiB. The heap is what remains at most.
 *
 * A broker that is killed for want of memory takes its partitions' copies along, so each share is
 * ample rather than close.
 */
export interface MemoryBudget {
  readonly boardMib: number;
  /** Firmware and graphics memory, kernel, systemd, sshd, journald, chrony: Raspberry Pi OS Lite idles at about 250. */
  readonly systemMib: number;
  /** The JVM beyond its heap: metaspace, code cache, threads' stacks, network buffers. */
  readonly jvmMib: number;
  /** Page cache: Kafka's documentation wants memory to buffer 30 s of writes, and consumers that keep up read from it alone. */
  readonly pageCacheMib: number;
  /** The largest heap that fits. */
  readonly maxHeapMib: number;
}

const SYSTEM_MIB = 512;
const JVM_MIB = 320;
const PAGE_CACHE_SHARE = 1 / 4;

export function memoryBudget(board: BoardName): MemoryBudget {
  const boardMib = boards[board].memoryMib;
  const pageCacheMib = boardMib * PAGE_CACHE_SHARE;
  return {
    boardMib,
    systemMib: SYSTEM_MIB,
    jvmMib: JVM_MIB,
    pageCacheMib,
    maxHeapMib: boardMib - SYSTEM_MIB - JVM_MIB - pageCacheMib,
  };
}
