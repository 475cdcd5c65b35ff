/** Which machines each host has left: values in, values out. */
import type { Left } from "../left-machines/plan";
import type { GateHost } from "./plan";

/** Remembered for each host. The one that its services run on is only forgotten after as many edits that no `up` finished. */
const KEPT = 8;

/**
 * The machines that each host was on, or was about to be on, the last first, each with its tenant of now.
 *
 * @param last what this returned before, by the hosts' present names, as `before` is
 */
export function leftMachines(
  last: ReadonlyMap<string, Left>,
  before: readonly GateHost[],
  after: readonly GateHost[],
): Map<string, Left> {
  const found = new Map<string, Left>();
  for (const { host, login } of after) {
    const old = before.find((one) => one.host === host)?.login;
    let { moves, machines } = last.get(host) ?? { moves: 0, machines: [] };
    if (old !== undefined && old.hostKey !== login?.hostKey) {
      moves++;
      machines = [{ move: moves, login: withoutKey(old) }, ...machines];
    }
    if (moves === 0) continue;
    const kept = machines.slice(0, KEPT).map(({ move, login: former }) => {
      const tenant = tenantOf(former, after);
      return { move, login: former, ...(tenant === undefined ? {} : { tenant }) };
    });
    found.set(host, { moves, machines: kept });
  }
  return found;
}

type Login = NonNullable<GateHost["login"]>;

/** The host that is on a machine, or at its address: that one is another machine, and the former gone. */
export function tenantOf(login: Login, hosts: readonly GateHost[]): string | undefined {
  const isThere = ({ login: one }: GateHost): boolean =>
    one !== undefined &&
    (one.hostKey === login.hostKey || (one.host === login.host && one.port === login.port));
  return hosts.find(isThere)?.host;
}

/** A second copy of the private key has no place in a state. */
function withoutKey({ privateKey: _key, ...login }: Login): Login {
  return login;
}
