/**
 * Kernel settings of a real Pi (a container shares its machine's). A swapping JVM stalls, and swap
 * wears the card; each log segment takes memory maps.
 */
export function renderSysctlConf(): string {
  return `# Written by pi-lab.
vm.swappiness = 1
vm.max_map_count = 262144
`;
}
