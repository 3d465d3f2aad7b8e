const PATHS = {
  fleet: "M3 5h14M3 10h14M3 15h14",
  agents: "M10 3v4M6 7h8v6H6zM4 17h12M10 13v4",
  config: "M5 2.500h7l3 3v12H5zM12 2.500v3h3M7.500 9h5M7.500 11.500h5M7.500 14h3",
  key: "M12.500 3.500a4 4 0 1 1-3 6.700L4 15.700V17h2.500M12.500 7.500h.01",
  plus: "M10 4v12M4 10h12",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7ZM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M4.300 15.700l1.100-1.100M14.600 5.400l1.100-1.100",
  moon: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500Z",
  help: "M7.500 7.500a2.500 2.500 0 1 1 3.600 2.200c-.8.400-1.100.9-1.100 1.800M10 14.500h.01",
  out: "M8 4H4v12h4M12 6.500l4 3.500-4 3.500M16 10H8",
  close: "M5 5l10 10M15 5 5 15",
  copy: "M7 7h9v9H7zM13 7V4H4v9h3",
  check: "M4 10.500 8 14.500 16 6",
  back: "M12 4l-6 6 6 6",
  chevron: "M6 8l4 4 4-4",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4ZM12.800 12.800 16.500 16.500",
  up: "M10 16V5M5.500 9 10 4.500 14.500 9",
  down: "M10 4v11M5.500 11 10 15.500 14.500 11",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.600L14 6",
  warn: "M10 4 2.800 16.500h14.400ZM10 9v3.500M10 14.500h.01",
  table: "M3 4h14v12H3zM3 8.500h14M8 8.500V16",
  tenant: "M4 16.500V6l6-3 6 3v10.500M2.500 16.500h15M8 16.500v-4h4v4M8 8h.01M12 8h.01",
  person: "M10 3.500a3.200 3.200 0 1 0 0 6.400 3.200 3.200 0 0 0 0-6.400ZM3.500 17c.5-3.400 3-5 6.500-5s6 1.600 6.500 5",
  terminal: "M3 4h14v12H3zM6 8l2.500 2L6 12M10.500 12.500H14",
  edit: "M12.500 4.500 15.500 7.500 7 16H4v-3ZM11 6l3 3",
  eye: "M2.500 10c2-3.500 4.500-5 7.500-5s5.500 1.500 7.500 5c-2 3.500-4.500 5-7.500 5s-5.500-1.500-7.500-5ZM10 7.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400Z",
  eyeOff: "M4 4l12 12M8 5.300c4-1 7 .7 9.500 4.700-.7 1.200-1.500 2.200-2.400 3M12.500 14.600C8.500 15.700 5 14.200 2.500 10c.8-1.400 1.700-2.500 2.700-3.300",
  settings: "M4 6h7M15 6h1M4 14h1M9 14h7M13 4v4M7 12v4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="shrink-0"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.600"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
