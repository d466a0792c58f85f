// Phones: people who call and text the numbers, and what they hear and read.
import { control, send } from "./api.mjs";
import { attempt } from "./attempt.mjs";
import { callCard } from "./call.mjs";
import { button, field, fill, h, icon, select } from "./dom.mjs";
import { clockTime, t, tn } from "./i18n.mjs";
import { E164, add, choose, chosen, keep, people, remove } from "./people.mjs";
import { store } from "./store.mjs";
import { textCard } from "./texting.mjs";

const ON_CALL = ["answer", "busy", "no-answer", "fail", "voicemail"];
const ON_TEXT = ["deliver", "no-receipt", "unreachable", "blocked", "unknown", "landline", "filtered", "fail"];

export function phonesView() {
  const handsets = h("div", { class: "handsets", role: "group", "aria-label": t("phone.choose") });
  const settings = h("div");
  const called = h("input", {
    list: "owned",
    type: "tel",
    autocomplete: "off",
    placeholder: "+14155552671",
    class: "number",
    required: true,
  });
  const owned = h("datalist", { id: "owned" });
  const quick = h("div", { class: "row quick" });
  const call = callCard(to);
  const text = textCard(to);
  const incoming = h("div");
  called.onchange = () => pick(called.value.trim());
  called.oninput = () => called.setCustomValidity("");

  function pick(number) {
    called.value = chosen().to = number;
    called.setCustomValidity("");
    keep();
    update();
  }

  /** The number to call or to text; says what is wrong with it, unless only asked. */
  function to({ quiet = false } = {}) {
    const number = called.value.replace(/[\s().-]/g, "");
    if (E164.test(number)) return number;
    if (!quiet) {
      called.setCustomValidity(t("phone.not_e164"));
      called.reportValidity();
    }
    return undefined;
  }

  function update() {
    const { phones, chosen: index } = people;
    const behaviour = store.state?.phones[chosen().number]?.behaviour;
    const numbers = (store.state?.numbers ?? []).map(({ phone_number, friendly_name }) => [
      phone_number,
      friendly_name,
    ]);
    if (!chosen().to && numbers.length > 0) chosen().to = numbers[0][0];
    if (document.activeElement !== called) called.value = chosen().to;
    fill(handsets, [phones.map(({ number }) => number), index], () => [
      phones.map(handset),
      button(t("phone.add"), () => (add(), update()), { image: "plus", "data-keep": "add" }),
    ]);
    fill(settings, [index, chosen().number, behaviour], () => phoneSettings(behaviour ?? {}, update));
    fill(owned, numbers.slice(0, 200), () =>
      numbers.slice(0, 200).map(([value, name]) => h("option", { value }, name)),
    );
    fill(quick, [numbers.slice(0, 6), called.value], () =>
      numbers.slice(0, 6).map(([number]) => chip(number, number === called.value, () => pick(number))),
    );
    call.update();
    text.update();
    const seen = (store.state?.phones[chosen().number]?.seen ?? []).filter(({ kind }) => kind === "call");
    fill(incoming, [chosen().number, seen], () => seen.length > 0 && calledMe(seen));
  }

  function handset({ number }, index) {
    const act = () => {
      choose(index);
      update();
    };
    return h(
      "button",
      {
        type: "button",
        class: "handset",
        "aria-pressed": String(index === people.chosen),
        onclick: act,
        "data-keep": `phone ${index}`,
      },
      icon("phone"),
      h("span", null, number),
    );
  }

  const element = h(
    "div",
    { class: "view" },
    h("header", { class: "page-head" }, h("h1", null, t("phone.title")), h("p", null, t("phone.lead"))),
    h(
      "div",
      { class: "card who" },
      handsets,
      settings,
      h("div", { class: "target" }, field(t("phone.to"), called, t("phone.to_hint")), owned, quick),
    ),
    h("div", { class: "columns" }, h("div", { class: "stack" }, call.element, incoming), text.element),
  );
  return { element, update };
}

const chip = (words, pressed, onclick) =>
  h(
    "button",
    { type: "button", class: "chip", "aria-pressed": String(pressed), onclick, "data-keep": `chip ${words}` },
    words,
  );

/** What the phone does with what comes in; kept in the sandbox. Its number is kept in this browser. */
function phoneSettings(behaviour, update) {
  const { number } = chosen();
  const change = (name, value) => {
    const whole = { on_call: "answer", on_text: "deliver", says: [], ...behaviour, [name]: value };
    return attempt(() => send(control("POST", `phones/${number}`, whole)), t("phone.saved"));
  };
  const own = h("input", { type: "tel", value: number, class: "number", "data-keep": "own", onchange: renumber });
  function renumber() {
    const value = own.value.replace(/[\s().-]/g, "");
    own.setCustomValidity(E164.test(value) ? "" : t("phone.not_e164"));
    if (!own.reportValidity()) return;
    chosen().number = value;
    keep();
    update();
  }
  own.oninput = () => own.setCustomValidity("");
  const lines = h("textarea", { rows: 2, value: (behaviour.says ?? []).join("\n"), "data-keep": "says" });
  lines.onchange = () =>
    change(
      "says",
      lines.value
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    );
  const words = [t(`on_call.${behaviour.on_call ?? "answer"}`), t(`on_text.${textKind(behaviour)}`)].join(", ");
  const choices = (names, area) => names.map((name) => [name, t(`${area}.${name}`)]);
  return h(
    "details",
    { class: "settings", open: phoneSettings.open, ontoggle: ({ target }) => (phoneSettings.open = target.open) },
    h(
      "summary",
      { "data-keep": "settings" },
      h("span", null, t("phone.settings")),
      h("span", { class: "quiet" }, words),
    ),
    h(
      "div",
      { class: "grid" },
      field(t("phone.number"), own, t("phone.number_hint")),
      field(
        t("phone.on_call"),
        select(choices(ON_CALL, "on_call"), behaviour.on_call ?? "answer", (value) => change("on_call", value), {
          "data-keep": "on_call",
        }),
      ),
      field(
        t("phone.on_text"),
        select(choices(ON_TEXT, "on_text"), textKind(behaviour), (value) => change("on_text", value), {
          "data-keep": "on_text",
        }),
      ),
      field(t("phone.says"), lines, t("phone.says_hint")),
    ),
    people.phones.length > 1 &&
      h(
        "div",
        { class: "row end" },
        button(t("phone.remove"), () => (remove(people.chosen), update()), { kind: "quiet-button", image: "trash" }),
      ),
  );
}

/** A phone may also answer with an error code of its own: that is none of the choices. */
const textKind = ({ on_text = "deliver" }) => (typeof on_text === "string" ? on_text : "fail");

/** Calls that reached the phone, newest first. */
function calledMe(seen) {
  const entry = (call) =>
    h(
      "li",
      null,
      h("strong", null, call.from ?? ""),
      " ",
      h("span", { class: "quiet" }, call.at ? clockTime(call.at) : ""),
      (call.heard ?? []).length > 0 &&
        h(
          "ol",
          { class: "transcript" },
          call.heard.map((line) =>
            h(
              "li",
              { class: "heard" },
              h("span", { class: "who" }, t("call.heard")),
              h("span", { class: "line" }, line),
            ),
          ),
        ),
    );
  return h(
    "section",
    { class: "card" },
    h("h2", null, icon("incoming"), tn("phone.incoming", seen.length)),
    h("ol", { class: "plain-list" }, [...seen].reverse().map(entry)),
  );
}
