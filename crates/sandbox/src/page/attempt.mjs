// What a person asks for: done and said, or in words why not.
import { send } from "./api.mjs";
import { say } from "./dom.mjs";
import { t } from "./i18n.mjs";
import { forgetAll } from "./people.mjs";
import { forget, readNow } from "./store.mjs";

/** Does the work, looks what it changed and says the words; false when the sandbox refused. */
export async function attempt(work, words) {
  try {
    await work();
    await readNow();
    say(words);
    return true;
  } catch (error) {
    say(t("error.refused", { words: error.message }), "bad");
    return false;
  }
}

/** Everything begins anew: what the page remembers of before is not true any more. */
export function anew(call, words) {
  return attempt(async () => {
    await send(call);
    forgetAll();
    forget();
  }, words);
}
