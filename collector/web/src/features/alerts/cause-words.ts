/** Causes in the words of what the rule looks at: fetching a configuration fails otherwise than polling, SNMP otherwise than echo. */
import { causeHint, causeWord } from "../../lib/state";
import type { AlertDetail } from "../../lib/types";
import { causeAdvice, causeWord as fetchWord } from "../config/words";

interface CauseWords {
  /** Within a sentence: «login refused». */
  word: (cause: string | null | undefined) => string | null;
  /** What to do about it; null where nothing is known. */
  hint: (cause: string | null | undefined) => string | null;
}

const POLLING: CauseWords = { word: causeWord, hint: causeHint };

/** The device is there, so its address is right. */
const OVER_SNMP: CauseWords = {
  word: causeWord,
  hint: (cause) => (cause === "timeout" ? "SNMP alone did not answer. Check the credential, the device's SNMP service and any filter on the way." : causeHint(cause)),
};

const FETCHING: CauseWords = {
  // «SSH failed» keeps its capitals.
  word: (cause) => (cause ? fetchWord(cause).replace(/^[A-Z](?![A-Z])/, (first) => first.toLowerCase()) : null),
  hint: (cause) => (cause ? causeAdvice(cause, null) : null),
};

export function causeWordsOf({ condition }: Pick<AlertDetail["evidence"], "condition">): CauseWords {
  const name = "name" in condition ? condition.name : null;
  if (name === "config_fetch_failed") return FETCHING;
  return name === "snmp_failed" ? OVER_SNMP : POLLING;
}
