import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { reveal } from "../../plugins/common/rpc";
import type { OpenShell } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import { bring } from "./bring";
import type { PackageCache } from "./cache";
import { broughtTo, checkPackages, planPackages } from "./plan";

/**
 * `pilab:lab/packages:Packages`. Create and update see to it that a host has its packages, which it gets through
 * this process. Previews, reading and deleting it touch no host.
 */
export class PackagesHandler implements ResourceHandler {
  /** @param cache made at the first use: most runs bring nothing */
  constructor(
    private readonly open: OpenShell,
    private readonly cache: () => PackageCache,
  ) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkPackages(news) };
  }

  diff({ olds, news }: DiffRequest): DiffResult {
    return { detailedDiff: planPackages(olds, news) };
  }

  async create(
    { name, news, preview }: CreateRequest,
    context: CallContext,
  ): Promise<CreateResult> {
    if (!preview) await this.bring(news, context);
    return { id: preview ? "" : name, outputs: broughtTo(news) };
  }

  async update({ news, preview }: UpdateRequest, context: CallContext): Promise<UpdateResult> {
    if (!preview) await this.bring(news, context);
    return { outputs: broughtTo(news) };
  }

  private async bring(news: PropertyMap, { signal, log }: CallContext): Promise<void> {
    const host = text(news, "host");
    const script = text(news, "script");
    const mirrors = texts(news, "mirrors");
    const status = (line: string): void => log.status(line);
    const warn = (line: string): void => log.warn(line);
    const shell = await this.open(parseLogin(news["connection"]), { host, signal, status });
    try {
      await bring(shell, this.cache(), {
        ...{ host, script, mirrors, signal, status, warn },
        install: true,
      });
    } finally {
      shell.close();
    }
  }
}

function text(news: PropertyMap, key: string): string {
  const value = reveal(news[key]);
  if (typeof value !== "string") throw new Error(`${key}: must be a text`);
  return value;
}

function texts(news: PropertyMap, key: string): string[] {
  const value = reveal(news[key]) ?? [];
  const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
  if (!isList) throw new Error(`${key}: must be texts`);
  return value;
}
