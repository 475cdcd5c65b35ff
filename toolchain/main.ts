import { ensureKafka } from "./kafka";
const log = (l: string) => console.error(l);
void ensureKafka(log).then(console.log, (e: Error) => {
  console.error(e.message);
  process.exitCode = 1;
});
