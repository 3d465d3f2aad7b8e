/** How often a device is polled, as one chooses it. */
export const INTERVALS = [
  { value: "10", label: "10 s" },
  { value: "30", label: "30 s" },
  { value: "60", label: "60 s" },
  { value: "300", label: "5 min" },
] as const;
