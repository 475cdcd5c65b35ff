import { ListValue, NullValue, Struct, Value } from "google-protobuf/google/protobuf/struct_pb";
import type { PropertyMap, PropertyValue } from "./values";
import { Archive, Asset, ResourceReference, Secret, UNKNOWN, Unknown } from "./values";

/** The key that marks a map as one of the engine's special values, and its meanings. */
export const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
export const SIGNATURES = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  resource: "5cf8f73096256a8f31e491e813e4eb8e",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
} as const;

/** The sentinel we send for every unknown; the engine has others, one a type, which we read. */
const UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWN_SENTINELS: ReadonlySet<string> = new Set([
  UNKNOWN_SENTINEL,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** What the engine sent. An absent struct is an empty map. */
export function fromStruct(struct: Struct | undefined): PropertyMap {
  return struct === undefined ? {} : fromFields(struct);
}

export function toStruct(map: PropertyMap): Struct {
  const struct = new Struct();
  const fields = struct.getFieldsMap();
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) fields.set(key, toValue(value));
  }
  return struct;
}

function fromFields(struct: Struct): PropertyMap {
  const map: PropertyMap = {};
  struct.getFieldsMap().forEach((value, key) => {
    map[key] = fromValue(value);
  });
  return map;
}

function fromValue(value: Value): PropertyValue {
  switch (value.getKindCase()) {
    case Value.KindCase.KIND_NOT_SET:
    case Value.KindCase.NULL_VALUE:
      return null;
    case Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return UNKNOWN_SENTINELS.has(text) ? UNKNOWN : text;
    }
    case Value.KindCase.LIST_VALUE:
      return (value.getListValue() as ListValue).getValuesList().map(fromValue);
    case Value.KindCase.STRUCT_VALUE:
      return fromSigned(fromFields(value.getStructValue() as Struct));
  }
}

function fromSigned(map: PropertyMap): PropertyValue {
  if (!(SIGNATURE_KEY in map)) return map;
  switch (stringOf(map[SIGNATURE_KEY])) {
    case SIGNATURES.secret:
      return new Secret(map["value"] ?? null);
    case SIGNATURES.output: {
      // An output carries what it depends on as well; nothing here can make use of that.
      const value = "value" in map ? (map["value"] ?? null) : UNKNOWN;
      return map["secret"] === true ? new Secret(value) : value;
    }
    case SIGNATURES.asset:
      return new Asset(contentOf(map, ["text", "path", "uri"]) as Asset["content"], hashOf(map));
    case SIGNATURES.archive:
      return new Archive(
        contentOf(map, ["assets", "path", "uri"]) as Archive["content"],
        hashOf(map),
      );
    case SIGNATURES.resource:
      return new ResourceReference(
        stringOf(map["urn"]),
        map["id"],
        map["packageVersion"] === undefined ? undefined : stringOf(map["packageVersion"]),
      );
    default:
      throw new Error("the engine sent a property value of a kind that this plugin does not know");
  }
}

function contentOf(map: PropertyMap, kinds: readonly string[]): object | undefined {
  for (const kind of kinds) {
    const value = map[kind];
    // The engine elides the content of assets in some calls by sending empty texts.
    if (value !== undefined && value !== null && value !== "") return { [kind]: value };
  }
  return kinds.includes("text") && map["text"] === "" ? { text: "" } : undefined;
}

const hashOf = (map: PropertyMap): string => stringOf(map["hash"]);

const stringOf = (value: PropertyValue | undefined): string =>
  typeof value === "string" ? value : "";

function toValue(value: PropertyValue): Value {
  const out = new Value();
  if (value === null) out.setNullValue(NullValue.NULL_VALUE);
  else if (typeof value === "boolean") out.setBoolValue(value);
  else if (typeof value === "number") out.setNumberValue(value);
  else if (typeof value === "string") out.setStringValue(value);
  else if (Array.isArray(value)) {
    out.setListValue(new ListValue().setValuesList(value.map(toValue)));
  } else if (value instanceof Unknown) out.setStringValue(UNKNOWN_SENTINEL);
  else out.setStructValue(toStruct(toMap(value)));
  return out;
}

function toMap(
  value: PropertyMap | Secret | Asset | Archive | ResourceReference | Unknown,
): PropertyMap {
  if (value instanceof Secret) {
    return { [SIGNATURE_KEY]: SIGNATURES.secret, value: value.value };
  }
  if (value instanceof Asset) {
    return { [SIGNATURE_KEY]: SIGNATURES.asset, hash: value.hash, ...value.content };
  }
  if (value instanceof Archive) {
    return {
      [SIGNATURE_KEY]: SIGNATURES.archive,
      hash: value.hash,
      ...(value.content as PropertyMap | undefined),
    };
  }
  if (value instanceof ResourceReference) {
    return {
      [SIGNATURE_KEY]: SIGNATURES.resource,
      urn: value.urn,
      id: value.id,
      packageVersion: value.packageVersion,
    };
  }
  return value as PropertyMap;
}
