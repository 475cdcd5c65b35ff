/** A message that waits for its acknowledgement. */
export interface Slot {
  /** MQTT packet id; undefined for QoS 0, which is not acknowledged. */
  readonly messageId: number | undefined;
  settled: boolean;
}

/**
 * The messages of one connection that are not acknowledged yet, in the order in which they came.
 * MQTT wants the acknowledgements in that order [MQTT-4.6.0-2], and Kafka's come in any.
 */
export class AckWindow {
  private slots: Slot[] = [];
  private first = 0;

  get size(): number {
    return this.slots.length - this.first;
  }

  add(messageId: number | undefined): Slot {
    const slot = { messageId, settled: false };
    this.slots.push(slot);
    return slot;
  }

  /** @returns the packet ids that may now be acknowledged, in this order */
  settle(slot: Slot): number[] {
    slot.settled = true;
    const ready: number[] = [];
    for (; this.slots[this.first]?.settled === true; this.first++) {
      const id = this.slots[this.first]?.messageId;
      if (id !== undefined) ready.push(id);
    }
    // What is done is dropped in portions, so that each costs the same however long the window.
    if (this.first > 1024 || this.first === this.slots.length) {
      this.slots = this.slots.slice(this.first);
      this.first = 0;
    }
    return ready;
  }
}
