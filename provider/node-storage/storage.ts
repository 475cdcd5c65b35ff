/** A node's storage in plain values. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { reveal } from "../../plugins/common/rpc";
import type { Identity } from "./plan";

/** What the handler needs of the inputs, as plain values. */
export interface Storage extends Identity {
  readonly host: string;
  readonly birthVoters: string;
  readonly birthControllers: readonly string[];
  readonly birthMetadataVersion: string | undefined;
  readonly configFile: string;
  readonly dataDir: string;
  readonly kafkaHome: string;
  readonly serviceUser: string;
}

/** @throws Error naming what is missing */
export function parseStorage(properties: PropertyMap): Storage {
  const text = (key: string): string => {
    const value = reveal(properties[key]);
    if (typeof value !== "string" || value === "") throw new Error(`${key}: is missing`);
    return value;
  };
  return {
    host: text("host"),
    nodeId: Number(reveal(properties["nodeId"])),
    clusterId: text("clusterId"),
    directoryId: text("directoryId"),
    birthVoters: text("birthVoters"),
    birthControllers: textList(reveal(properties["birthControllers"])),
    birthMetadataVersion:
      reveal(properties["birthMetadataVersion"]) === undefined
        ? undefined
        : text("birthMetadataVersion"),
    configFile: text("configFile"),
    dataDir: text("dataDir"),
    kafkaHome: text("kafkaHome"),
    serviceUser: text("serviceUser"),
  };
}

const textList = (value: PropertyValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
