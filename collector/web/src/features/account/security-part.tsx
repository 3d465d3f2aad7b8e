import { type ReactNode, useState } from "react";
import { useMe } from "../../lib/use-person";
import { Button } from "../../ui/button";
import { SidePanel } from "../../ui/side-panel";
import { FactorOff } from "./factor-off";
import { FactorSetup } from "./factor-setup";
import { Panel } from "./panel";
import { PasswordForm } from "./password-form";

type Opened = "password" | "setup" | "off" | null;

const WORDS = {
  password: { title: "Change your password", description: "Your other sessions end; this one stays." },
  setup: { title: "Set up a second factor", description: "A code of an app on your phone, asked for after the password." },
  off: { title: "Remove the second factor", description: "Then your password alone opens your account." },
} as const;

/** What proves that it is you. */
export function SecurityPart() {
  const me = useMe();
  const isOpen = me !== undefined && !me.user.totp && (me.user.role === "super_admin" || me.user.role === "tenant_admin");
  const [opened, setOpened] = useState<Opened>(null);
  const [isHeld, setHeld] = useState(false);
  const [done, setDone] = useState("");
  // The words stay while the panel slides away.
  const words = WORDS[opened ?? "password"];
  const open = (what: Opened) => {
    setHeld(false);
    setOpened(what);
  };
  const finish = (text: string) => {
    setDone(text);
    open(null);
  };
  return (
    <Panel title="Sign-in">
      <div className="flex flex-col gap-2">
        <Line text="Password" note="At least 15 characters.">
          <Button onClick={() => open("password")}>Change</Button>
        </Line>
        <Line text={<>Second factor: {me?.user.totp ? "on" : <span className={isOpen ? "font-medium text-degraded" : ""}>off</span>}</>}
          note={me?.user.totp ? "You are asked for a code when you sign in." : isOpen ? "You administer: whoever learns your password may do all that you may." : "Keeps out who has learnt your password."}>
          <Button look={isOpen ? "solid" : "plain"} onClick={() => open(me?.user.totp ? "off" : "setup")}>{me?.user.totp ? "Remove" : "Set up"}</Button>
        </Line>
        <p role="status" className={done ? "text-up" : "sr-only"}>{done}</p>
      </div>
      <SidePanel open={opened !== null} onOpenChange={(on) => on || open(null)} held={isHeld} title={words.title}
        description={words.description}>
        {opened === "password" && (
          <PasswordForm onDone={() => finish("Your password is changed. You are signed out everywhere else.")} onCancel={() => open(null)} />
        )}
        {opened === "setup" && (
          <FactorSetup onHeld={setHeld} onCancel={() => open(null)}
            onDone={() => finish("The second factor is on: you are asked for a code at the next sign-in.")} />
        )}
        {opened === "off" && <FactorOff onDone={() => finish("The second factor is off.")} onCancel={() => open(null)} />}
      </SidePanel>
    </Panel>
  );
}

function Line({ text, note, children }: { text: ReactNode; note: string; children: ReactNode }) {
  return (
    <div className="flex items-center justify-between gap-3">
      <span>
        {text}
        <span className="block text-xs text-muted">{note}</span>
      </span>
      {children}
    </div>
  );
}
