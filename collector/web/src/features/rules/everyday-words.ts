/** What people call a metric, where neither its name nor its title says so. */
const CALLED: readonly (readonly [of: RegExp, words: string])[] = [
  [/^cpu_|^load_/, "cpu processor load"],
  [/^memory_/, "ram memory"],
  [/^storage_/, "disk storage space filesystem"],
  [/^icmp_/, "ping"],
  [/_loss_/, "packet loss"],
  [/_rtt_/, "latency rtt delay response time"],
  [/^uptime_/, "reboot restart"],
  [/^if_.*_(bps|utilisation_percent)$/, "traffic bandwidth throughput utilization"],
  [/_errors_/, "crc"],
  [/_discards_/, "drops"],
  [/^temperature_/, "heat"],
];

/** By what it is found besides its name and its title, all in one text. */
export function everydayWords(name: string): string {
  return CALLED.flatMap(([of, words]) => (of.test(name) ? [words] : [])).join(" ");
}
