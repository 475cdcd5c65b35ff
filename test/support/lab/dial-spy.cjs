// Loaded into every Node process of an engine's run (NODE_OPTIONS): writes down that it is there, and
// each connection that the process opens, as lines `PROGRAM here` and `PROGRAM HOST:PORT`, to the file
// that PI_LAB_DIAL_LOG names.
const { appendFileSync } = require("node:fs");
const { Socket } = require("node:net");
const { basename, dirname } = require("node:path");

function note(what) {
  const script = process.argv[1] ?? "node";
  const program = `${basename(dirname(script))}/${basename(script)}`;
  appendFileSync(process.env.PI_LAB_DIAL_LOG, `${program} ${what}\n`);
}

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const [first] = args;
  const options = Array.isArray(first) ? first[0] : first;
  const {
    host = "localhost",
    port,
    path,
  } = typeof options === "object" && options !== null ? options : { port: options, host: args[1] };
  note(path ?? `${host}:${port}`);
  return connect.apply(this, args);
};

note("here");
