import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { screenLink } from "../../lib/screen-link";
import type { CreatedScreen, Screen, ScreenBody } from "../../lib/types";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import { Button } from "../../ui/button";
import { QrCode } from "../../ui/qr-code";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { ScreenForm } from "./screen-form";
import { SCREENS } from "./screens";

/** `screen`: null for a new one. */
export type Opened = { screen: Screen | null } | null;

export function ScreenPanel({ opened, onClose }: { opened: Opened; onClose: () => void }) {
  const [made, setMade] = useState<CreatedScreen | null>(null);
  const screen = opened?.screen ?? null;
  const close = () => {
    setMade(null);
    onClose();
  };
  return (
    <SidePanel open={opened !== null} onOpenChange={(on) => on || close()} held={made !== null}
      title={made?.name ?? screen?.name ?? "New wallboard"}
      description={made ? "Open this link on the screen." : screen ? "Its link stays. The screen shows the change within a minute." : "A screen on the wall that shows your network, without anybody signed in."}>
      {made ? <Link token={made.token} onDone={close} />
        : screen ? <Change screen={screen} onDone={close} /> : <Make onMade={setMade} onCancel={close} />}
    </SidePanel>
  );
}

function Make({ onMade, onCancel }: { onMade: (screen: CreatedScreen) => void; onCancel: () => void }) {
  const queries = useQueryClient();
  const make = useSecretMutation({
    mutationFn: (body: ScreenBody) => take(api.POST("/api/v1/screens", { body })),
    onSuccess: async ({ data }) => {
      onMade(data);
      await queries.invalidateQueries({ queryKey: SCREENS });
    },
  });
  return <ScreenForm screen={null} save={make} onCancel={onCancel} />;
}

function Change({ screen, onDone }: { screen: Screen; onDone: () => void }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (body: ScreenBody) => take(api.PUT("/api/v1/screens/{id}", { params: { path: { id: screen.id } }, body })),
    onSuccess: async () => {
      onDone();
      await queries.invalidateQueries({ queryKey: SCREENS });
    },
  });
  return <ScreenForm screen={screen} save={change} onCancel={onDone} />;
}

/** The link, shown this once: to copy, to scan, or to open here. */
function Link({ token, onDone }: { token: string; onDone: () => void }) {
  const link = screenLink(location.origin, token);
  return (
    <div className="flex flex-col gap-4">
      <SecretOnce what="link" text={link} note="Whoever has it sees what the screen shows." />
      <QrCode text={link} label="The link as a QR code" />
      <ul className="flex list-disc flex-col gap-1.5 pl-5 text-muted">
        <li>A computer or a tablet: paste the link into its browser, or scan the code.</li>
        <li>
          A television: open <code className="font-mono text-xs">{location.host}/wall</code> in its browser and paste the link there from a phone, with
          the keyboard in the app of its maker.
        </li>
        <li>A computer that does nothing else: start <code className="font-mono text-xs">chromium --kiosk</code> with the link.</li>
      </ul>
      <p className="text-muted">The part behind the # goes from the address at once. That browser stays a screen until you remove it here.</p>
      <Button className="self-end" onClick={onDone}>I have it on the screen</Button>
    </div>
  );
}
