import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { isOffline, live, toldNow, useEachSecond } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { useDiskFull } from "../../lib/use-disk";
import { StateShape } from "../../ui/state-badge";
import { healthOf } from "../agents/delivery";

/** The head has room for words where it is wide, and again where it has left out the name of the product. Between, the sign says that there is something. */
const ROOM = "max-[1060px]:hidden min-[1180px]:max-[1400px]:hidden";

/** The stream tells all but what was lost, which is to be seen within a minute. */
const LOOK_MS = 45_000;

/** On every page: whether what agents measure gets here. It takes the room that is left in the head, and moves nothing. */
export function DataHealth() {
  const scope = useScope();
  useEffect(() => {
    live.ensureAgents();
    const timer = setInterval(() => {
      if (!document.hidden && !isOffline()) live.refreshAgents();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const isDiskFull = useDiskFull();
  const told = useEachSecond(() => {
    if (isDiskFull) return "wrong\nnothing is stored\nNothing new is stored: the collector's disk is full";
    const { isWell, words, brief } = healthOf(live.agents.list().filter((agent) => isInScope(scope, agent)), toldNow());
    return words && [isWell ? "well" : "wrong", brief, words].join("\n");
  });
  if (!told) return null;
  const [how, brief, words] = told.split("\n");
  const isWell = how === "well";
  return (
    <Link to="/agents" search={isWell || isDiskFull ? {} : { show: "trouble" }} title={words} data-data-health={how}
      className={`mx-1 inline-flex h-7 min-w-0 items-center gap-1.5 rounded-md px-1.5 text-xs text-muted hover:bg-hover hover:text-text phone:mx-0 phone:h-11 phone:min-w-11 phone:justify-center
        ${isWell ? `phone:hidden ${ROOM}` : ""}`}>
      {!isWell && <StateShape state="degraded" size={11} />}
      <span aria-hidden="true" className={`clip phone:hidden ${ROOM}`}>{brief}</span>
      <span className="sr-only">Data: {words}</span>
    </Link>
  );
}
