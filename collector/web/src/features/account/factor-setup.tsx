import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { CopyLine } from "../../ui/copy-line";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { QrCode } from "../../ui/qr-code";
import { RecoveryCodes } from "./recovery-codes";
import { useAccountChanged } from "./use-account";

interface Seed {
  uri: string;
  base32: string;
}

interface Props {
  /** The codes are shown, which cannot be shown again. */
  onHeld: (held: boolean) => void;
  onDone: () => void;
  onCancel: () => void;
}

/** Password, then the authenticator and a code of it, then the recovery codes. */
export function FactorSetup({ onHeld, onDone, onCancel }: Props) {
  const [seed, setSeed] = useState<Seed | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  if (!seed) return <Begin onSeed={setSeed} onCancel={onCancel} />;
  const confirmed = (made: readonly string[]) => {
    onHeld(true);
    setCodes(made);
  };
  return <Pair seed={seed} onCodes={confirmed} onCancel={onCancel} />;
}

function Begin({ onSeed, onCancel }: { onSeed: (seed: Seed) => void; onCancel: () => void }) {
  const begin = useMutation({
    mutationFn: (password: string) => take(api.POST("/api/v1/me/totp", { body: { password } })),
    onSuccess: ({ data }) => onSeed(data),
  });
  const fields = fieldErrors(begin.error);
  return (
    <Form onSubmit={(form) => begin.mutate(String(form.get("password") ?? ""))} error={begin.error} shows={["password"]}
      action="Go on" busy={begin.isPending} onCancel={onCancel}>
      <p>
        You need an authenticator: an app on your phone, or your password manager. First your password, so
        that nobody does this at a browser that you have left open.
      </p>
      <TextField id="factor-password" name="password" type="password" label="Your password" autoComplete="current-password"
        error={fields["password"] && `That ${fields["password"]}.`} />
    </Form>
  );
}

function Pair({ seed, onCodes, onCancel }: {
  seed: Seed; onCodes: (codes: readonly string[]) => void; onCancel: () => void;
}) {
  const changed = useAccountChanged();
  const confirm = useMutation({
    mutationFn: (code: string) => take(api.POST("/api/v1/me/totp/confirm", { body: { code } })),
    onSuccess: ({ data }) => {
      onCodes(data.recovery_codes);
      void changed();
    },
  });
  const fields = fieldErrors(confirm.error);
  const wrong = fields["code"] && "This code is not right, or was used before. Wait for the next one; check the clock of your phone.";
  return (
    <Form onSubmit={(form) => confirm.mutate(String(form.get("code") ?? "").replaceAll(/\s/g, ""))} error={confirm.error}
      shows={["code"]} action="Turn it on" busy={confirm.isPending} onCancel={onCancel}>
      <p>Scan this with your authenticator.</p>
      <QrCode text={seed.uri} label="QR code for the authenticator" />
      <div className="flex flex-col gap-1">
        <p className="text-muted">Or type this key there:</p>
        <CopyLine label="Copy the key" text={seed.base32} />
      </div>
      <TextField id="factor-code" name="code" label="The code that it shows" inputMode="numeric" autoComplete="one-time-code"
        placeholder="123456" maxLength={8} error={wrong}
        // The step before has left the focus nowhere, and this is what is to be done.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus />
    </Form>
  );
}
