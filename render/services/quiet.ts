import { hostScript } from "../host-scripts";

/**
 * The script that stops and disables what a host ran besides Kafka, on a machine that it has left. For `bash -s` as
 * root; run again, or where no services were ever brought, it changes nothing. Prints the units.
 */
export function renderQuietScript(): string {
  return hostScript("quiet", {});
}
