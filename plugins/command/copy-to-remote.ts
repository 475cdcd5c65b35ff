import { createReadStream } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import path from "node:path";
import type { Log, PropertyMap, PropertyValue, ResourceHandler } from "../common/rpc";
import { Archive, Asset, CancelledError, reveal, sameValue, Unknown } from "../common/rpc";
import type { RemoteFiles } from "../common/ssh";
import { connect } from "../common/ssh";
import { Checker } from "./check";
import { compareInputs, uniqueSuffix } from "./command";
import { checkConnection, readConnection } from "./connection";

const { posix } = path;

/** `command:remote:CopyToRemote` */
export const copyToRemote: ResourceHandler = {
  check({ news }) {
    const checker = new Checker();
    checker.kinds(news, { remotePath: "string", triggers: "list" });
    checker.required(news, ["connection", "source", "remotePath"]);
    checkSource(checker, reveal(news["source"]));
    const connection = news["connection"] ?? null;
    const inputs =
      connection === null ? news : { ...news, connection: checkConnection(checker, connection) };
    return { inputs, failures: checker.failures };
  },

  diff: compareInputs,

  async create({ news, preview }, { log, signal }) {
    if (preview) return { id: "", outputs: news };
    await copy(news, log, signal);
    return { id: uniqueSuffix(), outputs: news };
  },

  /** A new host, port or key alone copies nothing: only content and path count. */
  async update({ olds, news, preview }, { log, signal }) {
    const same =
      hashOf(olds["source"]) === hashOf(news["source"]) &&
      sameValue(olds["remotePath"], news["remotePath"]);
    if (!preview && !same) await copy(news, log, signal);
    return { outputs: news };
  },
};

function checkSource(checker: Checker, source: PropertyValue | undefined): void {
  if (source === undefined || source === null || source instanceof Unknown) return;
  const { content } = source instanceof Asset || source instanceof Archive ? source : {};
  if (!(source instanceof Asset) && !(source instanceof Archive)) {
    checker.fail(["source"], "must be an asset or an archive");
  } else if (source instanceof Asset && content !== undefined && "uri" in content) {
    checker.fail(["source"], "must be a file or a text: give a FileAsset or a StringAsset");
  } else if (source instanceof Archive && (content === undefined || !("path" in content))) {
    checker.fail(["source"], "must be a file or a folder: give a FileArchive");
  }
}

function hashOf(source: PropertyValue | undefined): string {
  const bare = reveal(source);
  return bare instanceof Asset || bare instanceof Archive ? bare.hash : "";
}

async function copy(inputs: PropertyMap, log: Log, signal: AbortSignal): Promise<void> {
  const connection = readConnection(inputs["connection"]);
  const source = reveal(inputs["source"]);
  const target = reveal(inputs["remotePath"]) as string;
  const content = source instanceof Asset || source instanceof Archive ? source.content : undefined;
  const local = content !== undefined && "path" in content ? content.path : undefined;
  // What cannot be read here is found before the host is troubled.
  const localStat = local === undefined ? undefined : await stat(local);
  const session = await connect(connection.target, { ...connection.options, log, signal });
  try {
    const files = await session.sftp();
    if (local !== undefined && localStat !== undefined) {
      if (localStat.isDirectory()) await copyFolder(files, local, target);
      else
        await copyFile(files, local, await fileTarget(files, local, target), log, localStat.size);
    } else {
      const text = content !== undefined && "text" in content ? content.text : "";
      await copyText(files, text, target);
    }
  } catch (error) {
    if (signal.aborted) throw new CancelledError((error as Error).message);
    throw error;
  } finally {
    session.close();
  }
}

async function copyText(files: RemoteFiles, text: string, target: string): Promise<void> {
  if ((await files.kindOf(target)) === "directory") {
    throw new Error(`${target} is a folder: a text needs a remotePath that names a file`);
  }
  await files.mkdirAll(posix.dirname(target));
  await files.write(target, text);
}

/** Into a folder that exists, else to the path itself, whose folder is made. */
async function fileTarget(files: RemoteFiles, local: string, target: string): Promise<string> {
  const kind = await files.kindOf(target);
  if (kind === "directory") return posix.join(target, path.basename(local));
  if (kind === "absent") await files.mkdirAll(posix.dirname(target));
  return target;
}

async function copyFile(
  files: RemoteFiles,
  local: string,
  target: string,
  log?: Log,
  size = 0,
): Promise<void> {
  const onProgress = (bytes: number): void =>
    log?.status(`${target}: ${Math.floor((100 * bytes) / Math.max(size, 1))} %`);
  await files.write(target, createReadStream(local), { onProgress });
}

/** `folder` becomes target/folder, the content of `folder/` goes straight into the target. */
async function copyFolder(files: RemoteFiles, local: string, target: string): Promise<void> {
  await files.mkdirAll(target);
  const into = local.endsWith("/") ? target : posix.join(target, path.basename(local));
  await copyContent(files, local, into);
}

async function copyContent(files: RemoteFiles, local: string, target: string): Promise<void> {
  await files.mkdirAll(target);
  for await (const entry of await opendir(local)) {
    const [from, to] = [path.join(local, entry.name), posix.join(target, entry.name)];
    if (entry.isDirectory()) await copyContent(files, from, to);
    else await copyFile(files, from, to);
  }
}
