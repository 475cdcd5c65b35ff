import type { Pi } from "../../test/support/lab/pi";
import type { Ground } from "../ground";
import type { Heal, Trial } from "../trial";

/** More than twice as long as a broker's session (9 s): the others take it for dead, and it comes back. */
const HOLD_MS = 20_000;

type Target = (ground: Ground) => Promise<Pi>;
const leader: Target = (ground) => ground.leader();
const controller: Target = (ground) => ground.controller();

/** The whole Pi stands still: connections stay open, and whoever dials it is let in by nobody. */
async function pause(ground: Ground, target: Target): Promise<Heal> {
  const pi = await target(ground);
  await ground.docker("pause", pi.container);
  return async () => {
    await ground.docker("unpause", pi.container);
  };
}

/** The Pi works on, without its network: as with the rocker switch that cuts its link. */
async function cut(ground: Ground, target: Target): Promise<Heal> {
  const pi = await target(ground);
  const network = ground.lab.name;
  await ground.docker("network", "disconnect", "--force", network, pi.container);
  return async () => {
    const { address } = pi.host.machine;
    await ground.docker("network", "connect", "--ip", address, network, pi.container);
  };
}

export const silences: readonly Trial[] = [
  {
    name: "leader-paused",
    title: `leader's Pi paused for ${HOLD_MS / 1000} s`,
    holdMs: HOLD_MS,
    befall: (ground) => pause(ground, leader),
  },
  {
    name: "controller-paused",
    title: `active controller's Pi paused for ${HOLD_MS / 1000} s`,
    holdMs: HOLD_MS,
    befall: (ground) => pause(ground, controller),
  },
  {
    name: "leader-cut",
    title: `leader's Pi cut from the network for ${HOLD_MS / 1000} s`,
    holdMs: HOLD_MS,
    befall: (ground) => cut(ground, leader),
  },
  {
    name: "controller-cut",
    title: `active controller's Pi cut from the network for ${HOLD_MS / 1000} s`,
    holdMs: HOLD_MS,
    befall: (ground) => cut(ground, controller),
  },
];
