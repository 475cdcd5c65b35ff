import { unpackBatches, UnreadableBatch, type Unpacked } from "../../../shared/kafka/batches";
import { UserError } from "../errors";

/** Where batches come from, for what is said of one that cannot be read. */
export interface BatchSource {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The records from a position on, as `unpackBatches` gives them.
 * @throws UserError for a batch that cannot be read, with its offset, the codec and what to do
 */
export async function recordsOf(
  bytes: Buffer,
  source: BatchSource,
  position: bigint,
): Promise<Unpacked> {
  try {
    return await unpackBatches(bytes, source.partition, position);
  } catch (error) {
    throw error instanceof UnreadableBatch ? unreadable(source, error) : error;
  }
}

function unreadable({ topic, partition }: BatchSource, batch: UnreadableBatch): UserError {
  const where = `${topic}, partition ${partition}: the batch at offset ${batch.offset}`;
  if (batch.unknownFormat) {
    return new UserError(
      `${where} ${batch.message}, which this command does not read: it reads format 2, plain or compressed with gzip, snappy, lz4 or zstd. Read the topic with kafka-console-consumer.sh of the brokers' own version.`,
    );
  }
  const how = batch.codec === "none" ? "" : ` (compressed with ${batch.codec})`;
  return new UserError(
    `${where}${how} is damaged: ${batch.message}. Look at it on its leader with kafka-dump-log.sh; --last or --partition read what lies elsewhere.`,
  );
}
