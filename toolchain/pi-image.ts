import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureFile, ensureProgram } from "./apt";
import { machineSources, renderSources, type DebianSources } from "./debian-sources";
import { ensureDocker, type Docker } from "./docker";
import { messageOf, ToolchainError } from "./errors";
import { withLock } from "./lock";
import { step, type Log } from "./log";
import { cacheDir, downloadsAreOff, toolchainDir } from "./paths";
import { buildFolder, builderLabel, removeLeftovers, thisBuilder } from "./pi-image-leftovers";
import { CommandError, run } from "./process";
import { versions } from "./versions";

/** The label that says which recipe an image was made by. */
const recipeLabel = "pi-lab.recipe";
const setupInImage = "/virtual-pi-setup.sh";
const recipeDir = path.join(toolchainDir, "pi-image");

/**
 * The image that virtual Pis are made of: Debian with systemd, sshd, sudo and the user `pi`.
 * It is made again when its recipe (toolchain/pi-image) or this machine's Debian mirror has changed.
 *
 * Its base is the official image, or what debootstrap makes where no image registry can be reached.
 *
 * @returns the image's tag, as in versions.json
 */
export async function ensurePiImage(log: Log): Promise<string> {
  const docker = await ensureDocker(log);
  const tag = versions.piImage;
  const sources = machineSources(versions.debian);
  const recipe = hashRecipe(recipeDir, [versions.debian, JSON.stringify(sources ?? {})]);
  if ((await recipeOf(docker, tag)) === recipe) return tag;
  const lock = path.join(cacheDir(), "locks", "pi-image.lock");
  return withLock(lock, `Building the image ${tag}`, log, async () => {
    if ((await recipeOf(docker, tag)) === recipe) return tag;
    await step(log, `Building the image ${tag}`, () => build(log, docker, tag, recipe, sources));
    return tag;
  });
}

/** A digest of every file of the recipe, name, executability and content, and of what else it depends on. */
export function hashRecipe(folder: string, rest: readonly string[]): string {
  const hash = createHash("sha256");
  const add = (file: string) => {
    const stat = fs.statSync(file);
    if (stat.isDirectory()) {
      for (const child of fs.readdirSync(file).sort()) add(path.join(file, child));
      return;
    }
    const content = fs.readFileSync(file);
    hash.update(`${path.relative(folder, file)}\0${stat.mode & 0o100}\0${content.length}\0`);
    hash.update(content);
  };
  add(folder);
  for (const text of rest) hash.update(`${text.length}\0${text}`);
  return hash.digest("hex");
}

function recipeOf(docker: Docker, tag: string): Promise<string | undefined> {
  return inspect(docker, tag, `{{index .Config.Labels "${recipeLabel}"}}`);
}

function imageId(docker: Docker, tag: string): Promise<string | undefined> {
  return inspect(docker, tag, "{{.Id}}");
}

/** One property of an image; undefined if there is no such image. */
async function inspect(docker: Docker, tag: string, format: string): Promise<string | undefined> {
  try {
    const { stdout } = await client(docker, ["image", "inspect", "--format", format, tag], 20_000);
    return stdout.trim();
  } catch (error) {
    if (error instanceof CommandError && /no such image/i.test(error.output)) return undefined;
    throw error;
  }
}

function client(docker: Docker, args: readonly string[], timeoutMs: number) {
  return run("docker", ["-H", docker.host, ...args], { timeoutMs });
}

async function build(
  log: Log,
  docker: Docker,
  tag: string,
  recipe: string,
  sources: DebianSources | undefined,
): Promise<void> {
  const id = randomUUID().slice(0, 8);
  await removeLeftovers(log, docker.host);
  const folder = buildFolder();
  const container = `pi-lab-image-${id}`;
  const label = `${builderLabel}=${thisBuilder()}`;
  const leftovers: string[][] = [];
  try {
    const base = await baseImage(log, docker, folder, `pi-lab/base:${id}`, sources, leftovers);
    await step(log, `Preparing the virtual Pi on ${base}`, async () => {
      const command = ["create", "--name", container, "--label", label, base];
      await client(docker, [...command, "/bin/sh", setupInImage], 60_000);
      leftovers.unshift(["rm", "--force", container]);
      await client(docker, ["cp", `${recipeDir}/rootfs/.`, `${container}:/`], 60_000);
      await client(docker, ["cp", `${recipeDir}/setup.sh`, `${container}:${setupInImage}`], 60_000);
      await client(docker, ["start", "--attach", container], 10 * 60_000);
    });
    // Exported and imported again: one layer, without what the set-up deleted.
    const archive = path.join(folder, "image.tar");
    await client(docker, ["export", "--output", archive, container], 5 * 60_000);
    const changes = [
      'CMD ["/sbin/init"]',
      "ENV container=docker",
      `LABEL ${recipeLabel}=${recipe}`,
    ].flatMap((change) => ["--change", change]);
    const replaced = await imageId(docker, tag);
    await client(docker, ["import", ...changes, archive, tag], 5 * 60_000);
    // The old one loses its name here; it goes, unless machines still run on it.
    if (replaced !== undefined) {
      await client(docker, ["image", "rm", replaced], 60_000).catch(() => undefined);
    }
  } finally {
    for (const args of leftovers) {
      await client(docker, args, 60_000).catch((error: unknown) =>
        log(`could not tidy up (docker ${args.join(" ")}): ${messageOf(error)}`),
      );
    }
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The minimal Debian that the recipe starts from. */
async function baseImage(
  log: Log,
  docker: Docker,
  folder: string,
  temporaryTag: string,
  sources: DebianSources | undefined,
  leftovers: string[][],
): Promise<string> {
  const official = process.env["PI_LAB_BASE_IMAGE"] ?? `debian:${versions.debian}-slim`;
  let pullFailure = "downloads are switched off";
  if (!downloadsAreOff()) {
    try {
      await step(log, `Fetching the image ${official}`, () => pull(docker, official));
      return official;
    } catch (error) {
      pullFailure = firstLine(error instanceof CommandError ? error.output : messageOf(error));
      log(`${official} cannot be fetched (${pullFailure}); building it with debootstrap`);
    }
  }
  if (process.getuid?.() !== 0) {
    throw new ToolchainError(
      `The virtual Pi's base image cannot be made: ${official}: ${pullFailure}; debootstrap needs root`,
      `Make ${official} available to Docker (docker pull, or PI_LAB_BASE_IMAGE=a Debian ${versions.debian} image that is there), or run the command as root.`,
    );
  }
  await bootstrap(log, docker, folder, temporaryTag, sources);
  leftovers.push(["image", "rm", temporaryTag]);
  return temporaryTag;
}

async function pull(docker: Docker, image: string): Promise<void> {
  const present = await client(docker, ["image", "inspect", image], 20_000).catch(() => undefined);
  if (present === undefined) await client(docker, ["pull", "--quiet", image], 5 * 60_000);
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const bootstrapOptions = ["--variant=minbase", "--force-check-gpg", `--keyring=${keyring}`];

async function bootstrap(
  log: Log,
  docker: Docker,
  folder: string,
  tag: string,
  sources: DebianSources | undefined,
): Promise<void> {
  const why = "to make the base image of virtual Pis";
  const debootstrap = await ensureProgram(log, "debootstrap", ["debootstrap"], why);
  await ensureProgram(log, "gpgv", ["gpgv"], why);
  // Without it debootstrap would take any package from anybody.
  await ensureFile(log, keyring, ["debian-archive-keyring"], why);
  const root = path.join(folder, "root");
  fs.mkdirSync(root, { mode: 0o755 });
  let last = "";
  await step(
    log,
    `Bootstrapping Debian ${versions.debian}`,
    async () => {
      // Without a mirror of this machine's own debootstrap uses Debian's. In a mount namespace of
      // its own, so that nothing stays mounted in the folder if it is interrupted.
      const mirror = sources === undefined ? [] : [sources.archive];
      const command = [debootstrap, ...bootstrapOptions, versions.debian, root, ...mirror];
      await run("unshare", ["--mount", "--", ...command], {
        timeoutMs: 15 * 60_000,
        onLine: (line) => (last = line),
        remedy:
          "See whether this machine reaches its Debian mirror (apt-get update), and try again.",
      });
      if (sources !== undefined) {
        fs.writeFileSync(
          path.join(root, "etc/apt/sources.list"),
          renderSources(sources, versions.debian),
        );
      }
      const archive = path.join(folder, "base.tar");
      await run("tar", ["-C", root, "-cf", archive, "."], { timeoutMs: 5 * 60_000 });
      const label = ["--change", `LABEL ${builderLabel}="${thisBuilder()}"`];
      await client(docker, ["import", ...label, archive, tag], 5 * 60_000);
      fs.rmSync(archive);
    },
    () => last,
  );
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
