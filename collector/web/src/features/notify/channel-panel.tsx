import { useState } from "react";
import { Button } from "../../ui/button";
import { Part } from "../../ui/part";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { ChannelForm } from "./channel-form";
import { TestButton, TestResult, useTest } from "./test-channel";
import type { Channel, ChannelMade } from "./types";
import { VerifyHelp } from "./verify-help";

/** Null within: a new one. */
export type OpenedChannel = { channel: Channel | null } | null;

interface Props {
  opened: OpenedChannel;
  onClose: () => void;
  /** To make a route for the channel that was made. */
  onRoute: (channel: Channel) => void;
}

/** A click beside the panel does not close it: what was typed, or a key that is shown once, would be lost. */
export function ChannelPanel({ opened, onClose, onRoute }: Props) {
  const [made, setMade] = useState<ChannelMade | null>(null);
  const channel = opened?.channel ?? null;
  const close = () => {
    setMade(null);
    onClose();
  };
  return (
    <SidePanel open={opened !== null} onOpenChange={(open) => open || close()} held title={made?.name ?? channel?.name ?? "New channel"}
      description={made ? "The channel is made." : channel ? "A secret that is not typed anew stays as it is." : "A way to tell people of alerts."}>
      {made ? (
        <Made channel={made} onDone={close} onRoute={() => {
          close();
          onRoute(made);
        }} />
      ) : (
        <ChannelForm channel={channel} onCancel={close} onSaved={(saved) => (channel ? close() : setMade(saved))} />
      )}
    </SidePanel>
  );
}

/** What is left to do: to take the key, to try it, and to say which alerts go there. */
function Made({ channel, onDone, onRoute }: { channel: ChannelMade; onDone: () => void; onRoute: () => void }) {
  const test = useTest();
  return (
    <div className="flex flex-1 flex-col gap-6" data-made>
      {channel.secret && (
        <Part title="The key that signs">
          <SecretOnce what="key" text={channel.secret} />
          <VerifyHelp />
        </Part>
      )}
      <Part title="Does it get through?">
        <p className="text-muted">A test goes the way an alert goes, and tells what came of it.</p>
        <TestButton test={test} channel={channel} className="self-start">Send a test</TestButton>
        <TestResult test={test} />
      </Part>
      <Part title="Which alerts go there?">
        <p className="text-muted">None yet: that is for a route to say.</p>
        <Button className="self-start" onClick={onRoute}>Make a route…</Button>
      </Part>
      <div className="mt-auto flex justify-end pt-1">
        <Button look={channel.secret ? "plain" : "solid"} onClick={onDone}>{channel.secret ? "I have copied the key" : "Done"}</Button>
      </div>
    </div>
  );
}
