import { Writable } from "node:stream";
import { Output } from "../../../scripts/lib/output";

function stream(write: Writable["_write"]): Writable {
  return new Writable({ highWaterMark: 1, write });
}

test("a slow reader is waited for", async () => {
  const taken: string[] = [];
  const output = new Output(
    stream((chunk: Buffer, _encoding, done) => {
      setTimeout(() => {
        taken.push(chunk.toString());
        done();
      }, 20);
    }),
  );
  await output.write("a");
  expect(taken).toEqual(["a"]);
  await output.write("b");
  expect(taken).toEqual(["a", "b"]);
  expect(output.closed.aborted).toBe(false);
});

test("a reader that has left is told, and is no failure", async () => {
  let writes = 0;
  const output = new Output(
    stream((_chunk, _encoding, done) => {
      writes += 1;
      done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    }),
  );
  await Promise.all([output.write("a"), output.write("b")]);
  expect(output.closed.aborted).toBe(true);
  await output.write("c");
  expect(writes).toBe(1);
});

test("a disk that is full is a failure", async () => {
  const output = new Output(
    stream((_chunk, _encoding, done) =>
      done(Object.assign(new Error("no space left on device"), { code: "ENOSPC" })),
    ),
  );
  await expect(output.write("a")).rejects.toThrow(
    "The output cannot be written: no space left on device",
  );
  expect(output.closed.aborted).toBe(false);
});
