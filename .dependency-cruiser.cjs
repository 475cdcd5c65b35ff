/**
 * The layers: imports point down this list only.
 *
 *   index.ts                   all below
 *   components/                render, model, shared, the resource classes of provider/
 *   provider/                  model, plugins/common, shared
 *   render/                    model, the shell's quoting in shared/
 *   model/                     nothing
 *   plugins/command/           plugins/common
 *   plugins/common/            nothing
 *   toolchain/                 shared/
 *   shared/                    nothing: what folders need alike that must not know each other
 *   payloads/                  the model's types, model/data/mqtt-filter.ts, shared/kafka
 *   scripts/, bench/, trials/, test/    all
 *
 * @type {import("dependency-cruiser").IConfiguration}
 */
const folders =
  "^(index\\.ts$|components/|payloads/|provider/|render/|model/|plugins/|shared/|toolchain/|scripts/|bench/|trials/|test/)";

/** A folder and all that its files may import of ours, itself included. */
const layer = (name, from, mayImport, because) => ({
  name,
  comment: because,
  severity: "error",
  from: { path: from },
  to: { path: folders, pathNot: mayImport },
});

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Files that import each other can be neither read nor tested alone.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "resolvable",
      comment: "An import that is found nowhere, or only by accident of what is installed.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    layer("model", "^model/", ["^model/"], "The model is plain data: it knows of nobody."),
    layer(
      "render",
      "^render/",
      ["^render/", "^model/", "^shared/shell\\.ts$"],
      "Value in, text out.",
    ),
    layer(
      "provider",
      "^provider/",
      ["^provider/", "^model/", "^plugins/common/", "^shared/"],
      "The plugin runs on its own, without the program.",
    ),
    layer(
      "payloads",
      "^payloads/",
      ["^payloads/", "^model/", "^shared/kafka/"],
      "They run on the Pis, alone: of the model they know the types. How records are packed is one and the same for all.",
    ),
    {
      name: "payloads-types",
      comment:
        "Of the model, a program on a Pi takes the types, and what a topic filter means: the checker and the bridge must agree on it.",
      severity: "error",
      from: { path: "^payloads/" },
      to: {
        path: "^model/",
        pathNot: "^model/data/mqtt-filter\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    layer("plugins-common", "^plugins/common/", ["^plugins/common/"], "Shared by two plugins."),
    layer(
      "plugins-command",
      "^plugins/command/",
      ["^plugins/(command|common)/"],
      "It stands in for the official plugin and must know no more than that one does.",
    ),
    layer(
      "components",
      "^components/",
      ["^components/", "^render/", "^model/", "^shared/", "^provider/resources(\\.ts$|/)"],
      "The program talks to the provider through the engine, by its resource classes alone.",
    ),
    layer(
      "toolchain",
      "^toolchain/",
      ["^toolchain/", "^shared/"],
      "It must run before anything else can.",
    ),
    layer(
      "shared",
      "^shared/",
      ["^shared/"],
      "Rules that must be one and the same where a layer may not know another: the toolchain and the program look into one cache.",
    ),
    layer(
      "index",
      "^index\\.ts$",
      ["^components/", "^render/", "^model/", "^provider/resources(\\.ts$|/)"],
      "Wiring only.",
    ),
    {
      name: "pure",
      comment: "Model and render reach neither the disk, nor the network, nor the engine.",
      severity: "error",
      from: { path: "^(model|render)/", pathNot: "^render/host-scripts\\.ts$" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto|path)$" },
    },
    {
      name: "pure-packages",
      comment: "The packages that the model may use.",
      severity: "error",
      from: { path: "^(model|render)/" },
      to: {
        dependencyTypes: ["npm", "npm-dev"],
        pathNot: "node_modules/(zod|fastest-levenshtein)/",
      },
    },
    {
      name: "command-in-remote-only",
      comment: "One place knows the traps of @pulumi/command. Its types may be named elsewhere.",
      severity: "error",
      from: { path: folders, pathNot: "^(components/remote/|test/)" },
      to: { path: "node_modules/@pulumi/command/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "docker-in-virtual-only",
      comment: "One place knows that Pis may be containers.",
      severity: "error",
      from: { path: folders, pathNot: "^(components/virtual/|test/)" },
      to: { path: "node_modules/@pulumi/docker/" },
    },
    {
      name: "no-test-code",
      comment: "The product does not lean on its tests; their runner does.",
      severity: "error",
      from: { path: folders, pathNot: "^((test|bench|trials)/|scripts/test\\.ts$)" },
      to: { path: "^test/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(toolchain/go|bin)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
