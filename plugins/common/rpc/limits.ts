/** The engine's own limit for one message (`rpcutil.MaxMessageSize`), in bytes. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

export const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
} as const;
