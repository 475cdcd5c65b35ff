/** Kafka's id form (22 characters, URL-safe base64 without padding) of 16 bytes in plain base64. */
export function kafkaBase64Id(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== 16) throw new Error(`a Kafka id has 16 bytes, not ${bytes.length}`);
  return bytes.toString("base64url");
}
