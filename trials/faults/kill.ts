import type { Trial } from "../trial";

/** Ends Kafka's process as a crash does: nothing is handed over, nothing flushed. */
const KILL = 'kill -9 "$(systemctl show kafka --property=MainPID --value)"';

/** systemd starts the broker again after two seconds; nothing is to be undone. */
export const kills: readonly Trial[] = [
  {
    name: "leader-killed",
    title: "leader's broker killed (-9)",
    befall: async (ground) => {
      const pi = await ground.leader();
      await pi.run(KILL);
    },
  },
  {
    name: "controller-killed",
    title: "active controller killed (-9)",
    befall: async (ground) => {
      const pi = await ground.controller();
      await pi.run(KILL);
    },
  },
];
