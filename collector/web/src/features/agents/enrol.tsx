import { useEffect, useState } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime, duration } from "../../lib/format";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import type { Token } from "../../lib/types";
import { CopyLine } from "../../ui/copy-line";
import { Icon } from "../../ui/icon";
import { Segments } from "../../ui/segments";
import { StateShape } from "../../ui/state-badge";
import { enrolSteps, likelyPlatform, type Platform, PLATFORMS, TRY_HINT } from "./enrol-lines";

/** A token, since when it is there, and so which agent may have come by it. */
export interface MadeToken {
  token: Token;
  at: number;
}

/** The lines that bring an agent to its site. The token in them is shown this once. */
export function EnrolLines({ token }: { token: Token }) {
  const [platform, setPlatform] = useState<Platform>(() => likelyPlatform(navigator.userAgent));
  return (
    <div className="flex flex-col gap-3">
      <p className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
        <span className="mt-px text-degraded"><Icon name="warn" /></span>
        <span>
          A token for one agent of <strong>{token.site.name}</strong> is in these lines. It works once, <Expiry at={token.expires_at} />,
          and is not shown again.
        </span>
      </p>
      <Segments label="The machine at the site" segments={PLATFORMS} value={platform} onChange={setPlatform} />
      <ol className="flex flex-col gap-3">
        {enrolSteps(platform, token.token).map(({ text, line, isMain }) => (
          <li key={text} className="flex flex-col gap-1.5">
            <p>{text}</p>
            {line && <CopyLine label={isMain ? "Copy command" : "Copy the line"} text={line} isLarge={isMain} />}
          </li>
        ))}
      </ol>
      <p className="text-xs text-muted" data-try-hint>{TRY_HINT}</p>
    </div>
  );
}

function Expiry({ at }: { at: string }) {
  const left = useEachSecond(() => {
    const seconds = Math.floor((Date.parse(at) - serverNow()) / 1000);
    return seconds <= 0 ? "ran out" : duration(seconds < 120 ? seconds : seconds - (seconds % 60));
  });
  return <span title={dateTime(at)}>{left === "ran out" ? "but has run out: make another one" : `within ${left}`}</span>;
}

/** What the machine lets out, what time it has, what the agent itself says of it. */
const CHECKS = [
  "The site’s firewall lets UDP and TCP out to port 443 of this collector, or the port that it has.",
  "The clock of the machine is right: certificates are judged by it.",
  "What the agent printed. «farwatch-agent doctor» there tries each part and says what is wrong.",
];
const CHECK_AFTER_S = 120;

/** The agent of this site that came since, as one string: its id and whether it is connected. */
export function useNewAgent(site: string, since: number): { id: string; isUp: boolean } | null {
  useEffect(() => live.ensureAgents(), []);
  const found = useTableValue(live.agents, (table) => {
    const agent = table.list().find((one) => one.site.id === site && Date.parse(one.created_at) >= since - 1000);
    return agent ? `${agent.id} ${agent.state}` : "";
  });
  const [id, state] = found.split(" ");
  return id ? { id, isUp: state === "up" } : null;
}

/** Live: nobody yet, enrolled, connected; and what to look at when it takes long. */
export function AgentWait({ id, since }: { id: string | null; since: number }) {
  const told = useTableValue(live.agents, (table) => {
    const agent = id === null ? undefined : table.get(id);
    return agent ? `${agent.name}\n${agent.state}` : "";
  });
  const [name, state] = told.split("\n");
  const isUp = state === "up";
  const isLong = useEachSecond(() => !isUp && serverNow() - since > CHECK_AFTER_S * 1000);
  return (
    <div className="flex flex-col gap-2 rounded-md border border-line bg-surface px-3 py-2.5" data-wait={name ? state : "nobody"}>
      <p role="status" className="flex items-center gap-3">
        <StateShape state={isUp ? "up" : "unknown"} />
        <span>
          {!name && "Waiting for the agent…"}
          {name && isUp && <><strong>{name}</strong> is connected.</>}
          {name && !isUp && <><strong>{name}</strong> is enrolled. Waiting for it to connect…</>}
        </span>
      </p>
      {isLong && (
        <div className="text-muted" data-wait-checks>
          <p>Nothing for {CHECK_AFTER_S / 60} minutes. Look at:</p>
          <ul className="mt-1 list-disc pl-5">{CHECKS.map((text) => <li key={text}>{text}</li>)}</ul>
        </div>
      )}
    </div>
  );
}
