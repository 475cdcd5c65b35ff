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
import { mapOf } from "../../plugins/common/rpc";
import type { ConnectAdmin } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { checkFormerNames, renamingDiff, withPresentNames } from "../former-names";
import type { OpenShell } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import { describeFinding, describeRefusal } from "./findings";
import { acceptLiving, livingClusterId, lookAt } from "./look";
import { checkedMachine, checkPreflight, planPreflight, formerLooks } from "./plan";
import { parseWanted } from "./wanted";

/** A Pi 4 takes half a minute to start, a container seconds: a minute for both, all machines at once. */
const PATIENCE_MS = 60_000;

export interface PreflightPorts {
  readonly openShell: OpenShell;
  readonly connectAdmin: ConnectAdmin;
}

/**
 * `pilab:lab/preflight:Preflight`. Previews look at nothing: they work before a machine is cabled. Create
 * and update look at the machines that are new, all at once, and fail with everything that was found.
 * Reading and deleting it touch no machine.
 */
export class PreflightHandler implements ResourceHandler {
  constructor(
    private readonly ports: PreflightPorts,
    private readonly cluster: Pick<ClusterAccess, "bootstrapServers">,
  ) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: [...checkPreflight(news), ...checkFormerNames(news)] };
  }

  diff({ olds, news }: DiffRequest): DiffResult {
    const { checked } = withPresentNames(olds, "checked", news, "hosts");
    const due = planPreflight(news["hosts"], checked);
    const renamed = renamingDiff(olds, "checked", news, "hosts");
    return {
      detailedDiff: Object.assign({}, renamed, ...due.values()) as DiffResult["detailedDiff"],
    };
  }

  async create(
    { name, news, preview }: CreateRequest,
    context: CallContext,
  ): Promise<CreateResult> {
    if (preview) return { id: "", outputs: news };
    return { id: name, outputs: await this.look({}, news, context) };
  }

  async update(
    { olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    return { outputs: preview ? news : await this.look(olds, news, context) };
  }

  private async look(
    before: PropertyMap,
    news: PropertyMap,
    { signal, log }: CallContext,
  ): Promise<PropertyMap> {
    const hosts = mapOf(news["hosts"]);
    const olds = withPresentNames(before, "checked", news, "hosts");
    const due = [...planPreflight(hosts, olds["checked"]).keys()];
    if (due.length > 0) log.status(`looking at ${due.join(", ")}`);
    const { openShell, connectAdmin } = this.ports;
    const looks = await Promise.all(
      due.map(async (host) => {
        const wanted = parseWanted(hosts[host], news["clusterId"]);
        const login = parseLogin(mapOf(hosts[host])["connection"]);
        const status = (line: string): void => log.status(line);
        const options = { host, signal, status, patienceMs: PATIENCE_MS };
        return [await lookAt(openShell, login, wanted, options), wanted] as const;
      }),
    );
    const judged = await acceptLiving(looks, () =>
      livingClusterId(connectAdmin, this.cluster.bootstrapServers()),
    );
    const refusal = describeRefusal(judged);
    if (refusal !== undefined) throw new Error(refusal);
    const checked = formerLooks(hosts, olds["checked"]);
    for (const { host, findings } of judged) {
      const warnings = findings.map((finding) => describeFinding(host, finding));
      for (const warning of warnings) log.warn(warning);
      checked[host] = checkedMachine(hosts[host], warnings);
    }
    return { ...news, checked };
  }
}
