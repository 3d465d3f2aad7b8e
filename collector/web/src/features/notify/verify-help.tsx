import { CodeBlock } from "./code-block";

/** Python; what a framework calls them: `headers`, the bytes of the `body`, the `secret` above. */
export const VERIFY = `id, at, sent = (headers["webhook-" + part] for part in ("id", "timestamp", "signature"))
key = base64.b64decode(secret[6:])  # what follows whsec_
mine = base64.b64encode(hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")).decode()
is_ours = any(hmac.compare_digest("v1," + mine, one) for one in sent.split())
is_fresh = abs(time.time() - int(at)) < 300`;

/** How a receiver knows that it is us, and not somebody who has found its URL. */
export function VerifyHelp() {
  return (
    <div className="flex flex-col gap-2" data-verify>
      <p>
        With it the receiver checks that a message is from here, and not an old one. Five lines of Python, as
        the <a className="text-accent underline" href="https://www.standardwebhooks.com/" target="_blank" rel="noreferrer">Standard Webhooks</a> have it:
      </p>
      <CodeBlock label="Check of the signature" text={VERIFY} />
      <p className="text-muted">
        <code className="font-mono text-xs">webhook-id</code> is the same each time the same thing is sent: what was seen
        before counts no more. Answer with a 2xx at once, within 10 seconds.
      </p>
    </div>
  );
}
