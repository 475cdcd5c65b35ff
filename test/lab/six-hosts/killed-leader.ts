import { deleteRecordsV2 } from "@platformatic/kafka";
import { bootstrapServers, type Lab } from "../../../model";
import { assertOk, KafkaLink } from "../../../provider/admin/kafka-link";
import { PATIENT } from "../../../provider/admin/port";
import { readBack } from "../../../trials/checker/checker";
import { judge, type Ack } from "../../../trials/checker/ledger";
import { waitUntilWell } from "../../../trials/well";
import { underLoad } from "../../support/lab/load";
import { piOf } from "../../support/lab/pi";
import { leadersOf } from "../../support/lab/records";
import type { GetLab } from "./shared";

/** The short form of `npm run trials`: one fault, and the proof that a loss would be seen. */
export function describeKilledLeader(lab: GetLab): void {
  test("a leader killed with -9 under load loses no record; one that is deleted is told as lost", async () => {
    const { stack } = lab();
    const model = stack.lab();
    const killLeader = async (): Promise<void> => {
      const [leader] = await leadersOf(model, "red");
      const pi = piOf(stack, `broker-${leader}`);
      const before = await pi.unit();
      await pi.run(`kill -9 ${before.mainPid}`);
      await waitUntilWell(model, () => undefined, AbortSignal.timeout(120_000));
      expect((await pi.unit()).invocation).not.toBe(before.invocation);
    };

    await underLoad(model, "red", killLeader, async (log, { ledger, verdict }) => {
      expect(verdict).toMatchObject({ lost: [], unacknowledged: 0, acknowledged: ledger.offered });
      // Until another leader was found nothing of the killed one's partition could be written.
      expect(verdict.longestStall.ms).toBeGreaterThan(500);

      const first = ledger.acks.find(({ partition }) => partition === 1)!;
      await deleteUpTo(model, "red", first);
      const after = judge(ledger, await readBack(log, ledger));
      expect(after.lost).toEqual([{ id: first.ids[0], ack: first }]);
    });
  });
}

/** Has the first record of an acknowledgement deleted, and all before it. */
async function deleteUpTo(lab: Lab, topic: string, { offset, partition }: Ack): Promise<void> {
  const leader = (await leadersOf(lab, topic))[partition];
  const server = bootstrapServers(lab).split(",")[leader! - 1]!;
  const link = await KafkaLink.dial(server, PATIENT);
  try {
    const partitions = [{ partitionIndex: partition, offset: offset + 1n }];
    const answer = await link.ask(deleteRecordsV2.api, [{ name: topic, partitions }], 5000);
    const code = answer.topics[0]?.partitions[0]?.errorCode ?? -1;
    await assertOk("delete a record", server, code, null);
  } finally {
    await link.close();
  }
}
