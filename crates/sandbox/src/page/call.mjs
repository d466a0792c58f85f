// Placing a call, and telling in plain words what became of it.
import { control, send } from "./api.mjs";
import { code, field, fill, h, icon, pill, say } from "./dom.mjs";
import { clockTime, duration, has, t, tn } from "./i18n.mjs";
import { callsOf, chosen, keep, noteCall } from "./people.mjs";
import { mark, now, readNow, store } from "./store.mjs";

/** What an outcome means for the caller. */
const TONES = {
  answered: "good",
  stream: "calm",
  hung_up: "warn",
  forwarded: "calm",
  trunk: "calm",
  demo_url: "warn",
  no_assistant: "bad",
  assistant_not_found: "bad",
  not_found: "bad",
  no_route: "bad",
  rejected: "bad",
  no_such_number: "bad",
};

/** The card with which a phone calls. `to` says which number was chosen for it. */
export function callCard(to) {
  const says = h("textarea", { rows: 3, maxlength: 4000, placeholder: t("call.says_example") });
  const digits = h("input", { type: "text", inputmode: "tel", pattern: "[0-9*#wW]*", maxlength: 50, placeholder: "1" });
  const hangup = h("input", { type: "number", inputmode: "numeric", min: 1, max: 14400 });
  const withheld = h("input", { type: "checkbox", id: "withheld" });
  const go = h("button", { class: "button primary", type: "submit" }, icon("call"), h("span", null, t("call.go")));
  const form = h(
    "form",
    { class: "stack", onsubmit },
    field(t("call.says"), says, t("call.says_hint")),
    h("div", { class: "grid" }, field(t("call.digits"), digits), field(t("call.hangup"), hangup)),
    h("label", { class: "check" }, withheld, t("call.withheld")),
    h("div", { class: "row" }, go),
  );
  const result = h("div", { "aria-live": "polite", class: "stack" });
  const earlier = h("div");
  const card = h(
    "section",
    { class: "card", "aria-labelledby": "call-title" },
    h("h2", { id: "call-title" }, icon("call"), t("call.title")),
    form,
    result,
    earlier,
  );
  says.oninput = () => {
    chosen().says = says.value;
    keep();
  };

  async function onsubmit(event) {
    event.preventDefault();
    const phone = chosen().number;
    const called = to();
    if (!called) return;
    const lines = says.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    go.disabled = true;
    go.lastChild.textContent = t("call.going");
    card.setAttribute("aria-busy", "true");
    const before = mark();
    const body = {
      from: withheld.checked ? "anonymous" : phone,
      to: called,
      ...(lines.length > 0 && { says: lines }),
      ...(digits.value && { digits: digits.value }),
      ...(hangup.value && { hangup_after: Number(hangup.value) }),
    };
    try {
      const answer = await send(control("POST", "calls", body));
      noteCall(phone, { ...answer, to: called, says: lines, at: now(), before });
      await readNow();
    } catch (error) {
      say(t("error.refused", { words: error.message }), "bad");
    } finally {
      go.disabled = false;
      go.lastChild.textContent = t("call.go");
      card.removeAttribute("aria-busy");
      update();
    }
  }

  function update() {
    const { number } = chosen();
    if (document.activeElement !== says && says.value !== chosen().says) says.value = chosen().says;
    const [last, ...others] = callsOf(number);
    fill(result, [number, last, last && conversation(last)], () => last && callResult(last));
    fill(earlier, [number, others], () => others.length > 0 && history(others));
  }
  return { element: card, update };
}

/** Some outcomes mean two things: who answered, and whether it could be forwarded at all. */
function meaning({ outcome, answered_by, reason }) {
  if (outcome === "answered" && !answered_by) return "answered_by_url";
  if (outcome === "forwarded" && reason) return "unreachable";
  return outcome;
}

const given = (call) => ({
  name: call.answered_by?.name || t("call.unnamed"),
  to: call.to,
  url: call.url ?? "",
  reason: reason(call),
});

function title(call) {
  const key = `outcome.${meaning(call)}.title`;
  return has(key) ? t(key, given(call)) : call.outcome;
}

function explained(call) {
  const key = `outcome.${meaning(call)}.text`;
  return has(key) ? t(key, given(call)) : reason(call);
}

function reason({ reason, ended_reason }) {
  const words = reason ?? ended_reason ?? "";
  const code = words.split(" ")[0];
  return has(`reason.${code}`) ? t(`reason.${code}`) : words;
}

/** One call: what came of it, what was said, and the facts. */
function callResult(call) {
  return h(
    "article",
    { class: `outcome ${TONES[call.outcome] ?? "calm"}`, "data-outcome": call.outcome },
    h("header", null, h("h3", null, title(call)), pill(call.outcome, TONES[call.outcome])),
    h("p", null, explained(call)),
    transcript(call),
    facts(call),
    (call.steps ?? []).length > 0 && steps(call.steps),
    h("p", null, h("a", { href: `#/log?after=${call.before.requests},${call.before.webhooks}` }, t("call.in_log"))),
  );
}

/** Both sides in turn where Vapi wrote them down, else what was heard. */
function transcript(call) {
  const turns = conversation(call) ?? call.heard.map((text) => ({ said: false, text }));
  if (turns.length === 0) return h("p", { class: "quiet" }, t("call.silence"));
  return h("ol", { class: "transcript" }, turns.map(turn));
}

function conversation({ vapi_call_id: id, heard }) {
  const call = id && store.state?.orgs.flatMap((org) => org.calls ?? []).find((one) => one.id === id);
  const messages = call?.artifact?.messages ?? call?.messages ?? [];
  const turns = messages
    .filter(({ role }) => ["bot", "assistant", "user"].includes(role))
    .map(({ role, message, content }) => ({ said: role === "user", text: message ?? content ?? "" }));
  return turns.filter(({ said }) => !said).length >= heard.length && turns.length > 0 ? turns : undefined;
}

function turn({ said, text }) {
  const who = h("span", { class: "who" }, t(said ? "call.said" : "call.heard"));
  return h("li", { class: said ? "said" : "heard" }, who, h("span", { class: "line" }, text));
}

function facts(call) {
  const rows = [
    ["call.fact_at", call.at && clockTime(call.at)],
    ["call.fact_duration", call.duration_s !== undefined && duration(call.duration_s)],
    ["call.fact_reason", call.reason],
    ["call.fact_ended", call.ended_reason],
    ["call.fact_url", call.url && code(call.url, t("call.fact_url"))],
    ["call.fact_sid", call.call_sid && code(call.call_sid, t("call.fact_sid"))],
    ["call.fact_vapi", call.vapi_call_id && code(call.vapi_call_id, t("call.fact_vapi"))],
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.filter(([, value]) => value).map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)]),
  );
}

function steps(list) {
  const words = (step) =>
    typeof step === "string"
      ? step
      : Object.entries(step)
          .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
          .join(" · ");
  return h(
    "details",
    null,
    h("summary", null, tn("call.steps", list.length)),
    h(
      "ol",
      { class: "steps" },
      list.map((step) => h("li", null, words(step))),
    ),
  );
}

function history(calls) {
  const entry = (call) =>
    h(
      "li",
      null,
      h(
        "details",
        null,
        h(
          "summary",
          null,
          h("span", { class: "grow" }, `${call.at ? clockTime(call.at) : ""} ${title(call)}`),
          pill(call.outcome, TONES[call.outcome]),
        ),
        callResult(call),
      ),
    );
  return h(
    "details",
    { class: "earlier" },
    h("summary", null, tn("call.earlier", calls.length)),
    h("ol", { class: "plain-list" }, calls.map(entry)),
  );
}
