import { DialogFrame, type DialogProps } from "./dialog-frame";

/** A form beside the list that it changes; the whole screen on the phone. */
export function SidePanel(props: DialogProps) {
  return (
    <DialogFrame
      {...props}
      className="inset-y-0 right-0 w-[440px] max-w-full animate-[slide_140ms_ease-out] border-l phone:w-full phone:border-l-0"
    />
  );
}
