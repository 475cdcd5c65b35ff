import { renderSandbox } from "../sandbox";
import type { Host, Lab, PayloadConfig, ProgramConfigs } from "../../model";
import { programPorts } from "../../model/data/programs";
import { programPaths } from "./program-paths";
import type { HostService } from "./service";

/** A program stops within 20 s of SIGTERM (payloads/lib/program.ts), and is killed a little later. */
const STOP_TIMEOUT_SECONDS = 30;

export interface ProgramServiceArgs<P extends keyof ProgramConfigs> {
  readonly lab: Lab;
  readonly host: Host;
  readonly program: P;
  /** What `systemctl status` calls it, e.g. `Client of the ring`. */
  readonly description: string;
  /** Its configuration but for what every program is told alike: its host, and where its endpoint is. */
  readonly config: Omit<ProgramConfigs[P], keyof PayloadConfig>;
  /** Further lines of the unit's section `[Service]`, after the sandbox: they may loosen it. Default none. */
  readonly directives?: readonly string[];
}

/**
 * A program of ours as a systemd service: unit, configuration, user. Its endpoint listens on the host's
 * address on the switch, as Kafka does.
 */
export function programService<P extends keyof ProgramConfigs>({
  host,
  program,
  description,
  config,
  directives = [],
}: ProgramServiceArgs<P>): HostService {
  const unit = `pi-lab-${program}`;
  const endpoint = { address: host.machine.address, port: programPorts[program] };
  const file = { kind: "file", mode: "0644", owner: "root:root" } as const;
  return {
    unit,
    user: unit,
    packages: [],
    program,
    entries: [
      {
        ...file,
        path: programPaths.unit(unit),
        content: renderUnit(unit, program, description, directives),
      },
      {
        ...file,
        path: programPaths.config(program),
        // It may hold passwords.
        mode: "0640",
        owner: `root:${unit}`,
        content: `${JSON.stringify({ host: host.name, endpoint, ...config }, undefined, 2)}\n`,
      },
    ],
  };
}

/**
 * It restarts for ever, two seconds apart, but for a configuration that the program refuses: that does
 * not get better by itself.
 *
 * The sandbox leaves out MemoryDenyWriteExecute (Node.js compiles at run time) and ProcSubset=pid
 * (telemetry reads /proc/stat). Where memory ends, a program goes before Kafka does.
 */
function renderUnit(
  unit: string,
  program: keyof ProgramConfigs,
  description: string,
  directives: readonly string[],
): string {
  return `# Written by pi-lab.
[Unit]
Description=${description}
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=${unit}
Group=${unit}
Environment=NODE_ENV=production
ExecStart=${programPaths.node} ${programPaths.program(program)} ${programPaths.config(program)}
StateDirectory=${unit}
RuntimeDirectory=${unit}
Restart=always
RestartSec=2
RestartPreventExitStatus=78
TimeoutStopSec=${STOP_TIMEOUT_SECONDS}
LimitNOFILE=65536
OOMScoreAdjust=200
SyslogIdentifier=${unit}
UMask=0027

${renderSandbox({ families: ["AF_NETLINK"], readsProc: true, compiles: true })}${directives.map((line) => `${line}\n`).join("")}
[Install]
WantedBy=multi-user.target
`;
}
