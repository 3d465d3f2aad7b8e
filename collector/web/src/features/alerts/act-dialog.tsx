import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime } from "../../lib/format";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Modal } from "../../ui/modal";
import { alertCount, leftOutWords, NOTE_CHARS_MAX } from "./acts";
import { parseUntil, PRESETS } from "./until";
import type { Acts, Asked } from "./use-acts";

const HEAD: Readonly<Record<Asked["act"], { verb: string; what: string }>> = {
  ack: { verb: "Acknowledge", what: "The others see that you look after it. It stays in the list, and its end is told." },
  silence: { verb: "Silence", what: "Nobody is told of it until then, and not later either. It stays in the list." },
};

/** Asks for what goes with an act: a note, and of silence until when. */
export function ActDialog({ acts }: { acts: Acts }) {
  const { asked, cancel } = acts;
  if (!asked) return null;
  const { verb, what } = HEAD[asked.act];
  const isNews = asked.before.size < asked.ids.length;
  const title = isNews || asked.act === "silence" ? `${verb} ${alertCount(asked.ids.length)}` : "Change the note";
  const leftOut = leftOutWords(asked);
  return (
    <Modal open onOpenChange={(open) => open || cancel()} title={title} description={what}>
      {leftOut && <p className="mb-3 text-muted" data-left-out>{leftOut}</p>}
      {asked.act === "ack" ? <AckForm acts={acts} asked={asked} /> : <SilenceForm acts={acts} asked={asked} />}
    </Modal>
  );
}

interface FormProps {
  acts: Acts;
  asked: Asked;
}

function Note({ error, first, was = "" }: { error: string | undefined; first: boolean; was?: string }) {
  return (
    <TextField id="act-note" name="note" label="Note" defaultValue={was} hint={was ? "Emptied, this one stays." : "What is being done about it; may stay empty."} maxLength={NOTE_CHARS_MAX}
      autoComplete="off" error={error}
      // The dialog is opened to type: its first field has the focus, not its way out.
      // oxlint-disable-next-line jsx-a11y/no-autofocus
      autoFocus={first} />
  );
}

const noteIn = (form: FormData) => String(form.get("note") ?? "").trim();

function AckForm({ acts, asked }: FormProps) {
  return (
    <Form onSubmit={(form) => acts.send(asked.ids, { act: "ack", note: noteIn(form) })} error={acts.error} shows={["note"]}
      action={asked.before.size < asked.ids.length ? "Acknowledge" : "Save the note"} busy={acts.busy} onCancel={acts.cancel}>
      <Note error={fieldErrors(acts.error)["note"]} first was={asked.note} />
    </Form>
  );
}

const NOT_UNDERSTOOD = "Type a time in the next 30 days, such as 90m, 17:00 or tomorrow 8:00.";

function SilenceForm({ acts, asked }: FormProps) {
  const [text, setText] = useState("1 h");
  const [wrong, setWrong] = useState<string | null>(null);
  const end = parseUntil(text, serverNow());
  const submit = (form: FormData) => {
    const until = parseUntil(text, serverNow());
    setWrong(until === null ? NOT_UNDERSTOOD : null);
    if (until !== null) acts.send(asked.ids, { act: "silence", note: noteIn(form), until: new Date(until).toISOString() });
  };
  const fields = wrong ? { until: wrong } : fieldErrors(acts.error);
  return (
    <Form onSubmit={submit} error={wrong ? new Error(wrong) : acts.error} fields={fields} shows={["note", "until"]} action="Silence"
      busy={acts.busy} onCancel={acts.cancel}>
      <fieldset className="flex flex-wrap gap-1.5">
        <legend className="mb-1 font-medium">For how long</legend>
        {PRESETS.map((label) => (
          <Button key={label} aria-pressed={label === text} className={label === text ? "border-accent! bg-selected!" : ""}
            onClick={() => setText(label)}>
            {label}
          </Button>
        ))}
      </fieldset>
      <TextField id="act-until" label="Until" value={text} autoComplete="off" spellCheck={false}
        hint={end === null ? NOT_UNDERSTOOD : `Silent until ${dateTime(end)}.`} error={fields["until"]}
        // The dialog is opened to type: its first field has the focus, not its way out.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => {
          setText(event.target.value);
          setWrong(null);
        }} />
      <Note error={fields["note"]} first={false} />
    </Form>
  );
}
