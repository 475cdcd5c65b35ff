import { deleteRecordsV2 } from "@platformatic/kafka";
import { bootstrapServers } from "../../../model";
import { assertOk, KafkaLink } from "../../../provider/admin/kafka-link";
import { PATIENT } from "../../../provider/admin/port";
import { readBack, startChecker } from "../../../trials/checker/checker";
import { judge, type Ack } from "../../../trials/checker/ledger";
import { waitUntilWell } from "../../../trials/well";
import { piOf } from "../../support/lab/pi";
import { leadersOf, openLog } from "../../support/lab/records";
import { waitFor } from "../../support/wait";
import type { GetLab } from "./shared";

/** The short form of `npm run trials`: one fault, and the proof that a loss would be seen. */
export function describeKilledLeader(lab: GetLab): void {
  test("a leader killed with -9 under 350 records a second loses none, and a record deleted is told", async () => {
    const { stack } = lab();
    const model = stack.lab();
    const log = await openLog(model, "red");
    try {
      const checker = startChecker(log);
      await waitFor("a second's records", () =>
        Promise.resolve(checker.acknowledged() > 350 || undefined),
      );
      const [leader] = await leadersOf(model, "red");
      const pi = piOf(stack, `broker-${leader}`);
      const before = await pi.unit();
      await pi.run(`kill -9 ${before.mainPid}`);
      await waitUntilWell(model, () => undefined, AbortSignal.timeout(120_000));
      const ledger = await checker.stop();
      expect((await pi.unit()).invocation).not.toBe(before.invocation);

      const verdict = judge(ledger, await readBack(log, ledger));
      expect(verdict).toMatchObject({ lost: [], unacknowledged: 0 });
      expect(verdict.acknowledged).toBe(ledger.offered);
      // Until the controllers had found another leader, the partition stood still.
      expect(verdict.longestStall.partition).toBe(0);
      expect(verdict.longestStall.ms).toBeGreaterThan(500);

      const first = ledger.acks.find(({ partition }) => partition === 1)!;
      await deleteUpTo(first, "red");
      const after = judge(ledger, await readBack(log, ledger));
      expect(after.lost).toEqual([{ id: first.ids[0], ack: first }]);
    } finally {
      await log.close();
    }

    /** Has the first record of a batch deleted, and all before it. */
    async function deleteUpTo({ offset, partition }: Ack, topic: string): Promise<void> {
      const leader = (await leadersOf(model, topic))[partition];
      const server = bootstrapServers(model).split(",")[leader! - 1]!;
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
  });
}
