/** What one service's sandbox differs in from another's. */
export interface SandboxNeeds {
  /** Folders that it may write to; the rest of the file system is read-only. Default: systemd's own for it. */
  readonly writable?: readonly string[];
  /** Address families besides those of IP and Unix sockets. */
  readonly families?: readonly string[];
  /** Whether it reads of /proc what is not about processes, such as /proc/meminfo or /proc/stat. */
  readonly readsProc: boolean;
  /** Whether it compiles code while it runs, as a JVM and Node.js do. */
  readonly compiles: boolean;
}

/** The directives of a `[Service]` section that shut a service in: all that it can bear. */
export function renderSandbox({
  writable = [],
  families = [],
  readsProc,
  compiles,
}: SandboxNeeds): string {
  return [
    "ProtectSystem=strict",
    ...(writable.length > 0 ? [`ReadWritePaths=${writable.join(" ")}`] : []),
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    ...(readsProc ? [] : ["ProcSubset=pid"]),
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    `RestrictAddressFamilies=${["AF_INET", "AF_INET6", "AF_UNIX", ...families].join(" ")}`,
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "LockPersonality=yes",
    "KeyringMode=private",
    ...(compiles ? [] : ["MemoryDenyWriteExecute=yes"]),
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
    "",
  ].join("\n");
}
