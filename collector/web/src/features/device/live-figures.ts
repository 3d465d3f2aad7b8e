/** What somebody at a mast wants to read from an arm's length: large figures, each with a word for how it is. */
import { counted, NONE, percent, perSecond, reading, threeFigures } from "../../lib/format";
import type { Device, DeviceObject, Interface, State } from "../../lib/types";
import { errorRate } from "./interface-table-order";

export interface LargeFigure {
  id: string;
  title: string;
  value: string;
  unit: string;
  /** Null: nothing is known that would make it good or bad. */
  state: State | null;
  word: string;
  /** Beside it, in grey. */
  note?: string;
  at: string | null;
}

/** Polls that the loss is told of. */
export const POLLS = 20;
/** From here on a link is not to be used: the server calls a device degraded by it, too. */
const LOSS_HIGH = 20;

/** Mean of the last ones that are known, in per cent. */
export function lossOf(points: readonly (number | null | undefined)[]): { mean: number; polls: number } | null {
  const known = points.filter((one) => typeof one === "number").slice(-POLLS);
  return known.length === 0 ? null : { mean: known.reduce((sum, one) => sum + one, 0) / known.length, polls: known.length };
}

const ms = (value: number | null | undefined) => (value === null || value === undefined ? NONE : threeFigures(value));

function lossFigure(loss: ReturnType<typeof lossOf>, at: string | null): LargeFigure[] {
  if (!loss) return [];
  const state = loss.mean === 0 ? "up" : loss.mean < LOSS_HIGH ? "degraded" : "down";
  const word = `${loss.mean === 0 ? "none" : loss.mean < LOSS_HIGH ? "some" : "many"} in ${counted(loss.polls, "poll")}`;
  return [{ id: "loss", title: "Lost", value: percent(loss.mean / 100), unit: "%", state, word, at }];
}

/** Of radio links: levels and their likes, by what the agent calls them. */
const SIGNAL = /signal|rssi|snr|noise|ccq/;
const SIGNAL_UNIT: readonly (readonly [RegExp, string])[] = [[/_dbm$/, "dBm"], [/_db$/, "dB"], [/_percent$/, "%"]];

/** Those with a value alone: what is not known is left out. */
export function signalFigures(objects: readonly DeviceObject[]): LargeFigure[] {
  return objects.flatMap((object) =>
    object.values.flatMap(({ metric, value, at }) => {
      if (!SIGNAL.test(metric) || value === null) return [];
      const words = metric.replace(/_(dbm|db|percent)$/, "").replaceAll("_", " ");
      const title = [object.name || object.description, words].filter(Boolean).join(", ");
      const unit = SIGNAL_UNIT.find(([match]) => match.test(metric))?.[1] ?? "";
      return [{ id: `${object.object} ${metric}`, title, value: reading(value, ""), unit, state: null, word: "", at }];
    }));
}

/** What somebody calls the port that leads to the rest of the network. */
const UPLINK = /up-?link|\bwan\b|backhaul/i;

/** The port whose link one works on: the one that is called so, else the one that carries most. */
export function uplinkOf(ports: readonly Interface[], busiest: Interface | undefined): Interface | undefined {
  return ports.find(({ name, alias, description }) => UPLINK.test(`${name} ${alias} ${description}`)) ?? busiest;
}

const PORT_WORD: Readonly<Record<State, string>> = { up: "up", degraded: "degraded", down: "down", unknown: "not known now" };

/** What comes in over a port, what goes out, and whether any of it is lost. `state`: how the port stands by now. */
export function portFigure(port: Interface, state: State): LargeFigure {
  const isKnown = state !== "unknown";
  const errors = isKnown ? errorRate(port) : null;
  const [value = NONE, unit = "b/s"] = reading(isKnown ? port.in_bps : null, "b/s").split(" ");
  const name = [port.name || port.description || port.object, port.alias].filter(Boolean).join(" · ");
  const told = state !== "up" || errors === null ? PORT_WORD[state] : errors === 0 ? "no errors" : `${perSecond(errors)} errors/s`;
  return {
    id: "port", title: `In, ${name}`, value, unit, state: state === "up" && errors ? "degraded" : state, word: told, at: port.updated_at,
    note: isKnown ? `out ${reading(port.out_bps, "b/s")}` : "",
  };
}

/** `echo` and `snmp`: how the two stand by now. Ways of asking that are switched off are left out. */
export function largeFigures(
  device: Pick<Device, "icmp" | "snmp_poll">, echo: State | null, snmp: State | null, loss: ReturnType<typeof lossOf>, objects: readonly DeviceObject[],
): LargeFigure[] {
  const { icmp, snmp_poll: poll } = device;
  const WORD: Readonly<Record<State, string>> = { up: "answers", degraded: "answers in part", down: "no answer", unknown: "not known now" };
  return [
    ...(echo && icmp ? [{ id: "rtt", title: "Round trip", value: ms(icmp.rtt_ms), unit: "ms", state: echo, word: WORD[echo], at: icmp.at }] : []),
    ...(echo && icmp ? lossFigure(loss, icmp.at) : []),
    ...(echo && icmp && icmp.jitter_ms !== null ? [{ id: "jitter", title: "Jitter", value: ms(icmp.jitter_ms), unit: "ms", state: null, word: "", at: icmp.at }] : []),
    ...(snmp && poll ? [{ id: "snmp", title: "SNMP answers in", value: ms(poll.rtt_ms), unit: "ms", state: snmp, word: WORD[snmp], at: poll.at }] : []),
    ...signalFigures(objects),
  ];
}
