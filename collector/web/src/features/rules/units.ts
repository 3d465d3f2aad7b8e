/** Values of metrics as people read them: the server's words for units, and the signs for them. */
import { NONE, reading } from "../../lib/format";

const SIGN: Readonly<Record<string, string>> = {
  percent: "%", milliseconds: "ms", seconds: "s", ratio: "", bytes: "B", celsius: "°C", volts: "V", amperes: "A",
  watts: "W", hertz: "Hz", rpm: "rpm", one: "", flag: "", bits_per_second: "b/s", per_second: "/s",
};

const FLAG = "flag";

/** What is so or is not so, told as 1 and 0. */
export function isFlag(unit: string | null | undefined): boolean {
  return unit === FLAG;
}

/** Of a newer server there may be units without a sign here. */
export function unitSign(unit: string | null | undefined): string {
  return unit ? (SIGN[unit] ?? unit.replaceAll("_", " ")) : "";
}

/** «97.5 %», «120 Mb/s»; an en dash where there is none. */
export function figure(value: number | null | undefined, unit: string | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (isFlag(unit)) return value === 0 ? "no" : "yes";
  return reading(value, unitSign(unit));
}
