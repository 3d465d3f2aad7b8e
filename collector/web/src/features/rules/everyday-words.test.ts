import { expect, it } from "vitest";
import { everydayWords } from "./everyday-words";

it.each([
  ["cpu_busy_percent", "cpu"], ["load_5m_ratio", "cpu"], ["memory_used_percent", "ram"], ["storage_used_bytes", "disk"],
  ["icmp_jitter_ms", "ping"], ["icmp_loss_percent", "packet loss"], ["snmp_rtt_ms", "latency"], ["if_in_bps", "bandwidth"],
  ["if_out_utilisation_percent", "traffic"], ["if_in_errors_per_s", "crc"], ["if_out_discards_per_s", "drops"],
])("%s is found by «%s»", (name, word) => expect(everydayWords(name)).toContain(word));

it("adds nothing where the name says it already", () => expect(everydayWords("fan_speed_rpm")).toBe(""));
