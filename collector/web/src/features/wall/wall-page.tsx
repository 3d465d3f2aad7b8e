import { useEffect } from "react";
import { currentTheme, showTheme, type Theme } from "../../lib/theme";
import { useWall } from "./use-wall";
import { WallBoard } from "./wall-board";
import { WallGate, WallNotice } from "./wall-gate";

/** `/wall`: a screen on the wall. Dark, whatever the person who opened it likes elsewhere, unless its address says light. */
export function WallPage({ theme }: { theme: Theme }) {
  useEffect(() => {
    const before = currentTheme();
    showTheme(theme);
    return () => showTheme(before);
  }, [theme]);
  const { phase, wall, error, enter, isEntering } = useWall();
  switch (phase) {
    case "loading":
      return <WallNotice title="Farwatch">Asking what to show…</WallNotice>;
    case "away":
      return <WallNotice title="No connection">The collector does not answer. It is asked again every few seconds.</WallNotice>;
    case "removed":
      return (
        <WallNotice title="This screen was removed">
          Somebody ended it under Settings, Wallboards. Open the link of another screen here, or switch this one off.
        </WallNotice>
      );
    case "closed":
      return <WallGate error={error} enter={enter} isEntering={isEntering} />;
    case "shown":
      return wall ? <WallBoard wall={wall} /> : null;
  }
}
