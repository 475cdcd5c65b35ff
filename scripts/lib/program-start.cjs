// Loaded into the Node processes of a lab's engine (NODE_OPTIONS) before anything else, for the sake of
// one: the program, which starts once for a preview and twice for an `up` with its preview. Pulumi's SDK
// loads TypeScript and npm's Arborist at its start, well over half of its modules, to serialize functions
// of a program. Ours has none, so they are loaded only if they are asked for something.
"use strict";

const Module = require("node:module");
const { join } = require("node:path");

const RUNNER = join("@pulumi", "pulumi", "cmd", "run");
const LATER = new Set(["typescript", "@npmcli/arborist"]);

if ((process.argv[1] ?? "").includes(RUNNER)) {
  // The program is bundled JavaScript. The project file says so, but older language hosts do not hear it
  // from the engine, and the runner would load TypeScript and ts-node.
  delete process.env.PULUMI_NODEJS_TYPESCRIPT;
  const load = Module._load;
  Module._load = function (request, ...rest) {
    if (!LATER.has(request)) return load.call(this, request, ...rest);
    return later(() => load.call(this, request, ...rest));
  };
}

/** Stands for a module until a property of it is read. */
function later(load) {
  let loaded;
  return new Proxy(
    {},
    {
      get(_target, key) {
        // Asked by compiled imports of every module: "no" would have all its properties copied.
        if (key === "__esModule") return true;
        loaded ??= load();
        return loaded[key];
      },
    },
  );
}
