import type { ReactNode } from "react";
import { Mark, Wordmark } from "../../ui/wordmark";

/** The page before the app: the mark, and one thing to do. */
export function LoginFrame({ children, foot }: { children: ReactNode; foot?: ReactNode }) {
  return (
    <main className="grid h-dvh place-items-center overflow-y-auto p-4">
      <div className="w-full max-w-[340px]">
        <div className="mb-8 flex flex-col items-center gap-4">
          <Mark size={52} />
          <Wordmark height={22} />
          {/* Where there are several installations, which of them this is. */}
          <p className="-mt-2 max-w-full text-muted wrap-anywhere" data-installation>{location.host}</p>
        </div>
        {children}
        {foot && <div className="mt-6 text-center text-xs text-muted">{foot}</div>}
      </div>
    </main>
  );
}

export const LOGIN_CARD = "flex flex-col gap-4 rounded-xl border border-line bg-surface p-6";
