import { useNavigate } from "@tanstack/react-router";
import { LAYER } from "../../lib/commands";
import { type Intent, intend } from "../../lib/intent";
import { useMayMake } from "../../lib/role";
import { currentTheme, setTheme } from "../../lib/theme";
import { useCommands } from "../../lib/use-commands";
import { useKiosk } from "./use-kiosk";

const PLACE_OF = { device: "/fleet", agent: "/agents", site: "/sites" } as const satisfies Record<Intent, string>;

/** What works on every page. */
export function useFrameCommands({ onHelp, onPalette, onSignOut }: { onHelp: () => void; onPalette: () => void; onSignOut: () => void }): void {
  const navigate = useNavigate();
  const mayMake = useMayMake("write");
  const [isKiosk, setKiosk] = useKiosk();
  const go = (to: "/" | "/sites" | "/fleet" | "/alerts" | "/config" | "/agents" | "/settings" | "/settings/api-keys" | "/settings/account" | "/setup" | "/fleet/import") => () => void navigate({ to });
  const make = (what: Intent) => mayMake && (() => {
    intend(what);
    void navigate({ to: PLACE_OF[what] });
  });
  useCommands({
    "palette.open": onPalette,
    "go.now": go("/"), "go.sites": go("/sites"), "go.fleet": go("/fleet"), "go.alerts": go("/alerts"), "go.config": go("/config"), "go.agents": go("/agents"),
    "go.settings": go("/settings"), "go.keys": go("/settings/api-keys"),
    "make.setup": mayMake && go("/setup"), "make.import": mayMake && go("/fleet/import"),
    "make.device": make("device"), "make.agent": make("agent"), "make.site": make("site"),
    "theme": () => setTheme(currentTheme() === "dark" ? "light" : "dark"),
    "kiosk": () => setKiosk(true),
    "help": onHelp, "account": go("/settings/account"), "sign-out": onSignOut,
  }, LAYER.frame);
  useCommands({ "go.back": isKiosk && (() => setKiosk(false)) }, LAYER.over);
}
