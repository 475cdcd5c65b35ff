/**
 * What a broker copies a second when replicas move, unless the user says otherwise, MiB. A third of what a card
 * of speed class V30 writes at least, so that the brokers' own work goes on.
 */
export const DEFAULT_THROTTLE_MIB = 10;
