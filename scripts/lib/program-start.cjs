// Loaded into the Node processes of a lab's engine (NODE_OPTIONS) before anything else, for the sake of
// one: the program, which starts once for a preview and twice for an `up` with its preview. What Pulumi's
// SDK does there for programs of another kind takes most of the start's time.
"use strict";

const Module = require("node:module");

// Not those beside it, of policy packs and of plugins, which may be TypeScript.
const RUNNER = /\/@pulumi\/pulumi\/cmd\/run(\/index\.js)?$/;
// To serialize functions, of which our program has none: loaded if they are asked for something.
const LATER = new Set(["typescript", "@npmcli/arborist"]);
// The SDK notes a stack trace with every promise, and this maps each one to TypeScript.
const SOURCE_MAPS = "source-map-support/register";

if (RUNNER.test(process.argv[1] ?? "")) {
  // The program is bundled JavaScript. The project file says so, but older language hosts do not hear it
  // from the engine, and the runner would load TypeScript and ts-node.
  delete process.env.PULUMI_NODEJS_TYPESCRIPT;
  const load = Module._load;
  Module._load = function (request, ...rest) {
    if (request === SOURCE_MAPS) return {};
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
