import { DialogFrame, type DialogProps } from "./dialog-frame";

/** Something to read, over the page. Forms are side panels. */
export function Modal({ isWide, ...props }: DialogProps & { isWide?: boolean }) {
  return (
    <DialogFrame
      {...props}
      className={`top-[12vh] left-1/2 max-h-[80vh] w-[calc(100vw-24px)] -translate-x-1/2 animate-[rise_120ms_ease-out]
        overflow-hidden rounded-xl border phone:top-3 phone:max-h-[calc(100dvh-24px)] ${isWide ? "max-w-[760px]" : "max-w-[460px]"}`}
    />
  );
}
