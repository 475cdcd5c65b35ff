import { boards } from "./catalogue";
import type { BoardName } from "./types";

/**
 * How a broker's board divides its memory, MiB. The heap is what remains at most.
 *
 * A broker that is killed for want of memory takes its copies of all partitions along, so each share
 * is ample rather than close.
 */
export interface MemoryBudget {
  readonly boardMib: number;
  /** Firmware and graphics memory, kernel, systemd, sshd, journald, chrony. */
  readonly systemMib: number;
  /** The programs that run beside the broker. */
  readonly programsMib: number;
  /** The JVM beside a heap of the greatest size. */
  readonly jvmMib: number;
  /** Linux's page cache, from which consumers that keep up are served, and replicas too. */
  readonly pageCacheMib: number;
  /** The largest heap that fits. */
  readonly maxHeapMib: number;
}

/** A Pi 4 of 8 GB shows Linux about 7.7 GiB of them; Raspberry Pi OS Lite idles at about 200 MiB. */
const SYSTEM_MIB = 512;
/**
 * Measured: an idle 4.1.1 broker on OpenJDK 17 with G1 and a heap of 512 MiB, all of it touched, held
 * 672 MiB, 160 beside the heap. Twice that is reckoned with, for compiled code, threads and network
 * buffers under load: 256 MiB, and an eighth of the heap for the collector's own tables.
 */
const JVM_FIXED_MIB = 256;
const JVM_HEAP_SHARE = 1 / 8;
/** Kafka's documentation wants memory enough to hold 30 s of writes; a quarter is far more than a card takes in that time. */
const PAGE_CACHE_SHARE = 1 / 4;

/**
 * Measured: telemetry held 86 MiB and a ring client 102 on Node.js 22, a minute after their start.
 */
const PROGRAM_MIB = 128;

/** @param programs how many run on the board besides Kafka */
export function memoryBudget(board: BoardName, programs = 0): MemoryBudget {
  return budgetOf(boards[board].memoryMib, programs);
}

/** The same for so much memory, whatever has it. */
export function budgetOf(boardMib: number, programs = 0): MemoryBudget {
  const pageCacheMib = boardMib * PAGE_CACHE_SHARE;
  const programsMib = programs * PROGRAM_MIB;
  const forJvm = boardMib - SYSTEM_MIB - programsMib - pageCacheMib;
  const maxHeapMib = Math.floor((forJvm - JVM_FIXED_MIB) / (1 + JVM_HEAP_SHARE));
  return {
    boardMib,
    systemMib: SYSTEM_MIB,
    programsMib,
    jvmMib: forJvm - maxHeapMib,
    pageCacheMib,
    maxHeapMib,
  };
}

/** The least memory on which a broker with this heap can run at all, MiB: nothing is left for the page cache. */
export function leastMemoryMib(heapMib: number, programs = 0): number {
  return Math.ceil(
    SYSTEM_MIB + programs * PROGRAM_MIB + JVM_FIXED_MIB + heapMib * (1 + JVM_HEAP_SHARE),
  );
}
