import type { HostWants } from "../../../model";

/** What the probe prints on a host that is as its pushes left it. */
export function probeAnswer(wants: HostWants, meta = ""): string {
  const lines = Object.values(wants).flatMap((push) => [
    ...Object.entries(push.files ?? {}).flatMap(([path, { sha256, mode, owner }]) => [
      `stat ${mode} ${owner} ${path}`,
      `sum ${sha256}  ${path}`,
    ]),
    ...Object.entries(push.links ?? {}).map(([path, target]) => `link ${path} ${target}`),
    ...Object.keys(push.present ?? {}).map((path) => `present ${path}`),
    ...Object.keys(push.packages ?? {}).map((name) => `package ${name}`),
    ...Object.keys(push.units ?? {}).flatMap((name) => [
      `unit ${name}`,
      "UnitFileState=enabled",
      "ActiveState=active",
      "NeedDaemonReload=no",
      "DropInPaths=",
    ]),
  ]);
  const told = meta.split("\n").filter(Boolean);
  return [...lines, ...told.map((line) => `meta ${line}`), "end", ""].join("\n");
}
