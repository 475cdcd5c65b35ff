import { type Reader, TelemetryReader } from "../../../../payloads/alerting/telemetry-reader";
import { waitFor } from "../../../support/wait";

/** Reads until it is closed, or ends at once where it is given an error. */
class Scripted implements Reader {
  handled = false;
  closed = false;
  private end = (): void => undefined;
  constructor(private readonly error?: Error) {}

  trouble(): string | undefined {
    return this.handled ? undefined : "nothing is read yet";
  }

  async run(handle: Parameters<Reader["run"]>[0]): Promise<void> {
    if (this.error !== undefined) throw this.error;
    const closed = new Promise<void>((resolve) => (this.end = resolve));
    await handle([]);
    this.handled = true;
    await closed;
  }

  close(): Promise<void> {
    this.closed = true;
    this.end();
    return Promise.resolve();
  }
}

function open(pauseMs: number, ...readers: Scripted[]) {
  const lines: string[] = [];
  /** What it says of itself at each of the lines. */
  const troubles: (string | undefined)[] = [];
  const batches: unknown[] = [];
  const left = [...readers];
  const reader: TelemetryReader = new TelemetryReader(
    () => left.shift()!,
    (batch) => Promise.resolve(void batches.push(batch)),
    (level, message) => {
      lines.push(`${level} ${message}`);
      troubles.push(reader.trouble());
    },
    pauseMs,
  );
  return { reader, lines, troubles, batches };
}

test("reading that has ended by an error begins again, with another reader", async () => {
  const readers = [new Scripted(new Error("damaged")), new Scripted()];
  const { reader, lines, troubles, batches } = open(10, ...readers);
  await waitFor("a batch", () => Promise.resolve(batches[0]), { pauseMs: 1 });
  expect(troubles).toEqual(["reading telemetry has ended: damaged"]);
  expect(lines).toEqual(["error reading telemetry has ended: damaged; it begins again"]);
  expect([reader.trouble(), readers.map(({ closed }) => closed)]).toEqual([
    undefined,
    [true, false],
  ]);
  await reader.close();
  expect(readers.map(({ closed }) => closed)).toEqual([true, true]);
});

test("who closes it does not wait for its next try", async () => {
  const { reader, lines } = open(60_000, new Scripted(new Error("damaged")));
  await waitFor("the failure", () => Promise.resolve(lines[0]), { pauseMs: 1 });
  await reader.close();
  expect(reader.trouble()).toBe("reading telemetry has ended: damaged");
});
