import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { StateShape } from "../../ui/state-badge";
import { healthOf } from "../agents/delivery";

/** On every page: whether what agents measure gets here. It takes the room that is left in the head, and moves nothing. */
export function DataHealth() {
  const scope = useScope();
  useEffect(() => live.ensureAgents(), []);
  const told = useEachSecond(() => {
    const { isWell, words, brief } = healthOf(live.agents.list().filter((agent) => isInScope(scope, agent)), serverNow());
    return words && [isWell ? "well" : "wrong", brief, words].join("\n");
  });
  if (!told) return null;
  const [how, brief, words] = told.split("\n");
  const isWell = how === "well";
  return (
    <Link to="/agents" search={isWell ? {} : { show: "trouble" }} title={words} data-data-health={how} aria-label={words}
      className={`mx-2 inline-flex h-7 min-w-0 items-center gap-1.5 rounded-md px-1.5 text-xs text-muted hover:bg-hover hover:text-text phone:mx-0 phone:h-11 phone:min-w-11 phone:justify-center
        ${isWell ? "phone:hidden" : ""}`}>
      {!isWell && <StateShape state="degraded" size={11} />}
      {/* Where there is no room for it the sign says that there is something. */}
      <span className={`clip phone:hidden ${isWell ? "max-[1200px]:hidden" : ""}`}>{brief}</span>
    </Link>
  );
}
