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
      // A preview is of who is signed in, and has no name.
      if (wall?.name === null) {
        return (
          <WallNotice title="You are signed out">
            This was a preview of your own tenants.{" "}
            <a href="/login?next=%2Fwall" className="text-accent underline underline-offset-4">Sign in</a> to see it again.
          </WallNotice>
        );
      }
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
