import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A file of the page, as it is served. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** In a bundle the files' texts stand in place of these calls: toolchain/bundle.ts sees to it. */
const textBeside = (file: string): string => readFileSync(join(__dirname, file), "utf8");

/** All that a browser loads, by path: nothing is fetched from anywhere else. */
export const pageFiles: ReadonlyMap<string, PageFile> = new Map([
  ["/", { type: "text/html; charset=utf-8", text: textBeside("page/index.html") }],
  ["/page.css", { type: "text/css; charset=utf-8", text: textBeside("page/page.css") }],
  ["/theme.js", { type: "text/javascript; charset=utf-8", text: textBeside("page/theme.js") }],
  ["/page.js", { type: "text/javascript; charset=utf-8", text: textBeside("page/page.js") }],
  ["/panels.js", { type: "text/javascript; charset=utf-8", text: textBeside("page/panels.js") }],
  ["/hosts.js", { type: "text/javascript; charset=utf-8", text: textBeside("page/hosts.js") }],
  ["/dom.js", { type: "text/javascript; charset=utf-8", text: textBeside("page/dom.js") }],
  ["/icon.svg", { type: "image/svg+xml", text: textBeside("page/icon.svg") }],
]);
