import type { Address, Mqtt } from "../../model";

/**
 * Debian and Ubuntu confine Mosquitto to these two folders (AppArmor), so that ours are in them. The
 * package's own mosquitto.conf is left alone: apt would ask about it at an upgrade.
 */
export const mosquittoPaths = {
  config: "/etc/mosquitto/pi-lab.conf",
  passwords: "/etc/mosquitto/pi-lab.passwords",
  acl: "/etc/mosquitto/pi-lab.acl",
  data: "/var/lib/mosquitto",
  dropIn: "/etc/systemd/system/mosquitto.service.d/pi-lab.conf",
} as const;

/**
 * How often Mosquitto writes down what it holds, seconds. It writes all of it each time, and between two
 * times it can lose what it holds by being killed: see docs/mqtt.md. A card bears a write every ten seconds
 * for years, and one a second not; to write at each change costs half a second a message on a busy lab.
 */
export const SAVE_SECONDS = 10;

/** How long an absent client's session, and what waits in it, is kept. */
export const SESSION_DAYS = 7;

/**
 * Messages on the way to one client that it has not acknowledged. A bridge acknowledges when Kafka has a
 * message, so that this many at most are carried in one such time: at Mosquitto's default of 20 and 10 ms
 * that would be 2,000 a second. A client of MQTT 5 asks for less by its Receive Maximum.
 */
export const MAX_INFLIGHT = 1000;

/** Bytes that wait for one client at most: a board must not run out of memory before the messages' number is reached. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

/** `mosquitto.conf` of the lab's MQTT broker, for 2.0.11 (Debian 12, Ubuntu 22.04) and later. */
export function renderMosquittoConf(mqtt: Mqtt, address: Address): string {
  return `# Written by pi-lab.
per_listener_settings false
listener ${mqtt.port} ${address}
max_connections ${mqtt.maxConnections}

allow_anonymous false
password_file ${mosquittoPaths.passwords}
acl_file ${mosquittoPaths.acl}

persistence true
persistence_location ${mosquittoPaths.data}/
autosave_interval ${SAVE_SECONDS}
autosave_on_changes false
persistent_client_expiration ${SESSION_DAYS}d

# Whoever sends more is disconnected. message_size_limit would acknowledge such a message and drop it.
max_packet_size ${mqtt.maxMessageBytes}
max_inflight_messages ${MAX_INFLIGHT}
max_inflight_bytes 0
max_queued_messages ${mqtt.maxQueuedMessages}
max_queued_bytes ${MAX_QUEUED_BYTES}
queue_qos0_messages false
set_tcp_nodelay true

# To the journal.
log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type notice
connection_messages true
`;
}
