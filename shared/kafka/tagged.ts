import type { Reader } from "@platformatic/kafka";

/**
 * A compact array whose items end with tagged fields: a number of them, and for each its tag, size and
 * bytes. The client's own reader stumbles over any such field.
 */
export function readTagged<T>(reader: Reader, readItem: (reader: Reader) => T): T[] {
  const withTags = (): T => {
    const item = readItem(reader);
    for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
      reader.readUnsignedVarInt();
      reader.skip(reader.readUnsignedVarInt());
    }
    return item;
  };
  return reader.readArray(withTags, true, false);
}
