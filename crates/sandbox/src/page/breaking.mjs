// Break things: buttons with a sentence on what will happen, and the same as a call for a terminal.
import { control, curl, send } from "./api.mjs";
import { anew, attempt } from "./attempt.mjs";
import { FAULTS, METHODS, TARGETS, WEBHOOKS, breaks, faultCall, subject, webhookCall } from "./breaks.mjs";
import { button, confirm, copyButton, field, fill, h, icon, select } from "./dom.mjs";
import { t, tn } from "./i18n.mjs";
import { store } from "./store.mjs";

const GROUPS = ["access", "number", "assistant"];
const NUMBERS_MAX = 500;
const choice = {
  phone: undefined,
  inputs: {},
  target: "both",
  method: "any",
  times: 1,
  provider: "both",
  hookTimes: 1,
};
/** How to take back what was broken last, by the break and what it was about. */
const undos = new Map();
let era = 0;

export function breakView() {
  const chooser = h("div");
  const groups = h("div", { class: "stack" });
  const faults = h("section", { class: "card" });
  const hooks = h("section", { class: "card" });
  const active = h("div");
  const reset = h("section", { class: "card danger-zone" });

  function update() {
    const { state } = store;
    if (!state) return;
    if (era !== store.era) {
      era = store.era;
      undos.clear();
    }
    const numbers = state.numbers.slice(0, NUMBERS_MAX).map(({ phone_number }) => phone_number);
    if (!numbers.includes(choice.phone)) choice.phone = numbers[0];
    const about = subject(state, choice.phone);
    fill(chooser, [numbers, choice.phone], () =>
      field(
        t("break.number"),
        select(
          numbers.map((number) => [number, number]),
          choice.phone,
          (value) => ((choice.phone = value), update()),
          { "data-keep": "number" },
        ),
        t("break.number_hint"),
      ),
    );
    const list = breaks(about, choice.inputs);
    for (const { input } of list) if (input) choice.inputs[input.name] ??= input.start;
    fill(
      groups,
      [
        choice.phone,
        about.number,
        about.account,
        about.org?.id,
        about.org?.private_key,
        about.entry,
        about.assistant?.id,
        [...undos.keys()],
      ],
      () => GROUPS.map((group) => groupCard(group, about)),
    );
    fill(faults, [choice.target, choice.method, choice.times], () => faultCard(update));
    fill(hooks, [choice.provider, choice.hookTimes], () => webhookCard(update));
    fill(active, state.faults, () => activeFaults(state.faults));
    fill(reset, ["reset"], () => resetCard());
  }

  const element = h(
    "div",
    { class: "view" },
    h("header", { class: "page-head" }, h("h1", null, t("break.title")), h("p", null, t("break.lead"))),
    h("div", { class: "card" }, h("div", { class: "modest" }, chooser)),
    active,
    h("div", { class: "columns" }, groups, h("div", { class: "stack" }, faults, hooks, reset)),
  );
  return { element, update };
}

/** Sends a break's calls one after the other. */
function perform(calls, words) {
  return attempt(async () => {
    let first;
    for (const call of calls) {
      const answer = await send(filled(call, first?.sid));
      first ??= answer;
    }
  }, words);
}

const filled = (call, sid) =>
  sid && call.form
    ? {
        ...call,
        form: Object.fromEntries(
          Object.entries(call.form).map(([name, value]) => [name, value === "{sid}" ? sid : value]),
        ),
      }
    : call;

/** The calls with the tokens and keys of now: they may have been replaced since. */
const renewed = (calls, { account, org }) =>
  calls.map((call) => ({
    ...call,
    ...(call.user && { user: `${account.sid}:${account.auth_token}` }),
    ...(call.bearer && { bearer: org.private_key }),
  }));

function groupCard(group, about) {
  const list = breaks(about, choice.inputs).filter((one) => one.group === group);
  return h(
    "section",
    { class: "card" },
    h("h2", null, t(`break.group_${group}`)),
    h("p", { class: "quiet" }, groupSubject(group, about)),
    h(
      "ul",
      { class: "breaks" },
      list.map((one) => breakItem(one, about)),
    ),
  );
}

function groupSubject(group, { number, account, org, entry, assistant }) {
  if (group === "access")
    return t("break.about_access", { account: account?.friendly_name ?? "", org: org?.name ?? "" });
  if (group === "number")
    return number ? t("break.about_number", { number: number.phone_number }) : t("state.no_numbers");
  return entry
    ? t("break.about_assistant", { number: entry.number, assistant: assistant?.name ?? t("state.nobody") })
    : t("break.not_in_vapi");
}

function breakItem({ id, calls, undo, input, grave, mends }, about) {
  const key = `${id} ${about.number?.sid ?? about.account?.sid}`;
  const field =
    input &&
    h("input", {
      type: "url",
      value: choice.inputs[input.name],
      "aria-label": t(`break.${id}.input`),
      "data-keep": `in ${id}`,
    });
  const shown = h("pre", { tabindex: 0 });
  const current = () => breaks(about, choice.inputs).find((one) => one.id === id).calls;
  const showCalls = () =>
    (shown.textContent = (current() || []).map(curl).join("\n").replaceAll("{sid}", "$TRUNK_SID"));
  if (field) field.oninput = () => ((choice.inputs[input.name] = field.value), showCalls());
  showCalls();
  const act = async () => {
    if (grave && !(await confirm(t(`break.${id}.do`), t(`break.${id}.text`), t(`break.${id}.do`)))) return;
    if (undo) undos.set(key, undos.get(key) ?? undo);
    if (!(await perform(current(), t(`break.${id}.done`)))) undos.delete(key);
  };
  const back = undos.get(key);
  const takeBack = async () => {
    undos.delete(key);
    await perform(renewed(back, subject(store.state, choice.phone)), t("break.mended"));
  };
  return h(
    "li",
    { "data-break": id },
    h(
      "div",
      { class: "break-row" },
      h("div", { class: "grow" }, h("h3", null, t(`break.${id}.title`)), h("p", null, t(`break.${id}.text`)), field),
      h(
        "div",
        { class: "row end" },
        back && button(t("break.undo"), takeBack, { image: "undo", "data-keep": `undo ${id}` }),
        button(t(`break.${id}.do`), act, {
          kind: mends ? "plain" : "danger-plain",
          disabled: !calls,
          "data-keep": `do ${id}`,
        }),
      ),
    ),
    calls && curlDetails(shown),
  );
}

function curlDetails(shown) {
  const copy = h("span");
  copy.append(copyButton(() => shown.textContent, t("break.call")));
  return h(
    "details",
    { class: "curl" },
    h("summary", null, t("break.call")),
    h("div", { class: "with-copy" }, shown, copy),
  );
}

/** One button for each kind of fault, with the call that it makes. */
function kinds(names, area, make) {
  const item = (kind) => {
    const call = make(kind);
    const act = () => perform([call], t("break.armed"));
    return h(
      "li",
      { "data-break": kind },
      h(
        "div",
        { class: "break-row" },
        h("div", { class: "grow" }, h("h3", null, t(`${area}.${kind}.title`)), h("p", null, t(`${area}.${kind}.text`))),
        h(
          "div",
          { class: "row end" },
          button(t("break.arm"), act, {
            kind: "danger-plain",
            "aria-label": `${t("break.arm")}: ${t(`${area}.${kind}.title`)}`,
            "data-keep": `arm ${kind}`,
          }),
        ),
      ),
      curlDetails(h("pre", { tabindex: 0 }, curl(call))),
    );
  };
  return h("ul", { class: "breaks" }, names.map(item));
}

const pairs = (table, area) => Object.keys(table).map((key) => [key, t(`${area}.${key}`)]);
const TIMES = [1, 2, 3, 5, 10];
const times = (value, change) =>
  select(
    TIMES.map((n) => [String(n), tn("break.times", n)]),
    String(value),
    (text) => change(Number(text)),
  );

function faultCard(update) {
  const set = (name) => (value) => ((choice[name] = value), update());
  return [
    h("h2", null, t("break.group_answers")),
    h("p", { class: "quiet" }, t("break.about_answers")),
    h(
      "div",
      { class: "grid" },
      field(
        t("break.target"),
        select(pairs(TARGETS, "target"), choice.target, set("target"), { "data-keep": "target" }),
      ),
      field(
        t("break.method"),
        select(pairs(METHODS, "method"), choice.method, set("method"), { "data-keep": "method" }),
      ),
      field(t("break.how_often"), times(choice.times, set("times"))),
    ),
    kinds(Object.keys(FAULTS), "fault", (kind) => faultCall(kind, choice)),
  ];
}

function webhookCard(update) {
  const set = (name) => (value) => ((choice[name] = value), update());
  return [
    h("h2", null, t("break.group_webhooks")),
    h("p", { class: "quiet" }, t("break.about_webhooks")),
    h(
      "div",
      { class: "grid" },
      field(
        t("break.sender"),
        select(pairs(TARGETS, "target"), choice.provider, set("provider"), { "data-keep": "provider" }),
      ),
      field(t("break.how_often"), times(choice.hookTimes, set("hookTimes"))),
    ),
    kinds(Object.keys(WEBHOOKS), "hook", (kind) =>
      webhookCall(kind, { provider: choice.provider, times: choice.hookTimes }),
    ),
  ];
}

/** What is armed and has not happened yet. */
function activeFaults(faults) {
  if (faults.length === 0) return undefined;
  const words = ({ path, method, webhook, provider, fault, times_left }) =>
    [
      webhook ? [provider, t("break.a_webhook")].filter(Boolean).join(" ") : `${method ?? t("method.any")} ${path}`,
      JSON.stringify(fault),
      times_left ? tn("break.left", times_left) : t("break.until_removed"),
    ].join(" · ");
  const remove = ({ id }) => perform([control("DELETE", `faults/${id}`)], t("break.removed"));
  const clear = () => perform([control("DELETE", "faults")], t("break.cleared"));
  return h(
    "section",
    { class: "card armed" },
    h(
      "div",
      { class: "card-head" },
      h("h2", null, icon("warn"), tn("break.active", faults.length)),
      button(t("break.clear"), clear, { "data-keep": "clear" }),
    ),
    h(
      "ul",
      { class: "plain-list lines" },
      faults.map((fault) =>
        h(
          "li",
          null,
          h("code", { class: "wrap grow" }, words(fault)),
          button(t("break.remove"), () => remove(fault), { "data-keep": `fault ${fault.id}` }),
        ),
      ),
    ),
  );
}

function resetCard() {
  const act = async () => {
    if (!(await confirm(t("break.reset.title"), t("break.reset.text"), t("break.reset.do")))) return;
    await anew(control("POST", "reset", {}), t("break.reset.done"));
  };
  return [
    h("h2", null, t("break.reset.title")),
    h("p", null, t("break.reset.text")),
    h("div", { class: "row" }, button(t("break.reset.do"), act, { kind: "danger", image: "undo" })),
    curlDetails(h("pre", { tabindex: 0 }, curl(control("POST", "reset", {})))),
  ];
}
