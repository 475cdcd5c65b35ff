import { ensurePiImage } from "./pi-image";
const log = (l: string) => console.error(l);
void ensurePiImage(log).then(console.log, (e: Error) => { console.error(e.message); process.exitCode = 1; });
