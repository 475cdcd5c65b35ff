/** journald drop-in: bounded in size and rate, since cards wear and a broker in trouble is loud. */
export function renderJournaldConf(): string {
  return `# Written by pi-lab.
[Journal]
SystemMaxUse=64M
RuntimeMaxUse=32M
RateLimitIntervalSec=30s
RateLimitBurst=2000
`;
}
