import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { keysEnabled, setKeysEnabled } from "../../lib/keys";
import { roleWord } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import { setTheme, type Theme, useTheme } from "../../lib/theme";
import { useTitle } from "../../lib/use-title";
import { PageHead } from "../../ui/page-head";
import { RadioCards } from "../../ui/radio-cards";
import { Panel } from "./panel";
import { SecurityPart } from "./security-part";
import { SessionsPart } from "./sessions-part";

const THEMES = [
  { value: "dark", label: "Dark", note: "For rooms with many screens." },
  { value: "light", label: "Light", note: "For daylight and print." },
] as const;

export function AccountPage() {
  const { data: me } = useQuery(meQuery);
  const { tenants } = useScope();
  const theme = useTheme();
  const [keys, setKeys] = useState(keysEnabled);
  useTitle("Account", true);
  return (
    <>
      <PageHead title="You and this browser" />
      {me && (
        <div className="grid max-w-[1180px] items-start gap-6 px-4 pb-8 min-[1240px]:grid-cols-2 phone:px-3">
          <div className="flex flex-col gap-6">
            <Panel title="You">
              <dl className="grid grid-cols-[110px_1fr] gap-y-2">
                <dt className="text-muted">Email</dt>
                <dd className="wrap-anywhere">{me.user.email}</dd>
                <dt className="text-muted">Role</dt>
                <dd>{roleWord(me.user.role)}</dd>
                <dt className="text-muted">{tenants.length === 1 ? "Tenant" : "Tenants"}</dt>
                <dd>{tenants.map((tenant) => tenant.name).join(", ") || "none yet"}</dd>
                <dt className="text-muted">Collector</dt>
                <dd>Farwatch {me.version}</dd>
              </dl>
            </Panel>
            <SecurityPart />
          </div>
          <div className="flex flex-col gap-6">
            <Panel title="This browser">
              <RadioCards across legend="Theme" name="theme" cards={THEMES} value={theme}
                onChange={(value: Theme) => setTheme(value)} />
              <label className="mt-3 flex min-h-8 items-center gap-2 phone:min-h-11">
                <input type="checkbox" className="size-4 accent-accent" checked={keys}
                  onChange={(event) => {
                    setKeys(event.target.checked);
                    setKeysEnabled(event.target.checked);
                  }} />
                Single-key shortcuts; <kbd className="font-mono text-xs">?</kbd> lists them
              </label>
            </Panel>
            <SessionsPart />
          </div>
        </div>
      )}
    </>
  );
}
