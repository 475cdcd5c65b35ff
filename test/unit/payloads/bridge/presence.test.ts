import { Presence } from "../../../../payloads/bridge/presence";
import { ScriptedBroker, friendly } from "../../../support/mqtt/scripted-broker";

let broker: ScriptedBroker;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
});

afterEach(() => broker.stop());

it.each(["connect", "subscribe"] as const)(
  "stops at once where the broker owes the answer to a %s",
  async (cmd) => {
    broker.answer = (packet) => (packet.cmd === cmd ? undefined : friendly(packet));
    const told: string[] = [];
    const presence = new Presence({
      host: "data-1",
      mqtt: broker.access,
      ownTopics: "pi-lab/bridge/",
      log: (level, message) => told.push(`${level}: ${message}`),
      tell: () => ({ serves: [], subscribed: [] }),
    });
    await (await broker.client()).got(cmd);
    const begun = Date.now();
    await presence.stop();
    // Half of what an answer may take.
    expect(Date.now() - begun).toBeLessThan(5000);
    expect(told).toEqual([]);
  },
  20_000,
);
