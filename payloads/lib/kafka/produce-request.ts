/** The requests of a producer. */
import { createAPI, initProducerIdV5, produceV9, type Reader, Writer } from "@platformatic/kafka";
import { Code } from "./codes";
import type { KafkaLink } from "./link";

/** All replicas in sync. */
const ACKS_ALL = -1;
const NO_PRODUCER = -1n;
const UNKNOWN_EPOCH = -1;

/** How long a leader may wait for the replicas before it says that they were too slow, ms. */
const REPLICAS_MS = 5_000;
/** Limit of a whole request, ms. */
export const PRODUCE_MS = REPLICAS_MS + 3_000;

export interface ProducerNumber {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** Batches by partition, by topic, as they are packed. */
export type Packed = ReadonlyMap<string, ReadonlyMap<number, Buffer>>;

export interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | undefined;
}

/**
 * Produce v9 (Kafka 2.8), the last whose answer has no tagged fields, over which the library's reader stumbles.
 * The library's own packs a batch anew at each try, and numbers it by a count that it keeps itself.
 */
const produce = createAPI<[Packed], Written[]>(
  produceV9.api.key,
  produceV9.api.version,
  (topics: Packed) =>
    Writer.create()
      .appendString(null)
      .appendInt16(ACKS_ALL)
      .appendInt32(REPLICAS_MS)
      .appendArray([...topics], (writer, [topic, partitions]) =>
        writer
          .appendString(topic)
          .appendArray([...partitions], (item, [partition, batch]) =>
            item.appendInt32(partition).appendBytes(batch),
          ),
      )
      .appendTaggedFields(),
  (_correlation, _key, _version, reader) => {
    const topics = reader.readArray((item) => {
      const topic = item.readString();
      return item.readArray((one) => readWritten(one, topic));
    });
    return topics.flat();
  },
);

function readWritten(reader: Reader, topic: string): Written {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readInt64(); // the first record's offset
  reader.readInt64(); // the broker's time stamp
  reader.readInt64(); // the log's start
  const faults = reader.readArray((fault) => {
    fault.readInt32(); // which record of the batch
    return fault.readNullableString();
  });
  const errorMessage = reader.readNullableString() ?? faults[0] ?? undefined;
  return { topic, partition, errorCode, errorMessage };
}

/** @throws LinkError where it is not known what became of the batches */
export function writeBatches(link: KafkaLink, packed: Packed): Promise<Written[]> {
  return link.ask(produce, packed);
}

/** A number that no producer has had, or Kafka's error code. Any broker gives one. */
export async function numberProducer(
  link: KafkaLink,
): Promise<ProducerNumber | { readonly errorCode: number }> {
  const given = await link.ask(initProducerIdV5.api, null, 0, NO_PRODUCER, UNKNOWN_EPOCH);
  const { errorCode, producerId, producerEpoch: epoch } = given;
  return errorCode === Code.none ? { producerId, epoch } : { errorCode };
}
