// The Pulumi program of the conformance cases: makes the resources that CONFORMANCE_PROGRAM lists.
// Plain JavaScript, so that a run costs no compilation.
const fs = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const { local, remote } = require("@pulumi/command");

const types = {
  "remote.Command": remote.Command,
  "remote.CopyToRemote": remote.CopyToRemote,
  "local.Command": local.Command,
};
const made = {};

const special = {
  $secret: (value) => pulumi.secret(read(value)),
  $text: (text) => new pulumi.asset.StringAsset(text),
  $file: (path) => new pulumi.asset.FileAsset(path),
  $archive: (path) => new pulumi.asset.FileArchive(path),
  $output: ([name, property]) => made[name][property],
};

function read(value) {
  if (Array.isArray(value)) return value.map(read);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[key, inner] = []] = entries;
  if (entries.length === 1 && key in special) return special[key](inner);
  return Object.fromEntries(entries.map(([name, item]) => [name, read(item)]));
}

for (const { name, type, args, dependsOn = [] } of JSON.parse(
  fs.readFileSync(process.env.CONFORMANCE_PROGRAM, "utf8"),
)) {
  const options = { dependsOn: dependsOn.map((other) => made[other]) };
  made[name] = new types[type](name, read(args), options);
}
