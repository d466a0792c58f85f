// Building the page. What is shown comes from providers' programs: it only ever becomes text, never HTML.
import { t } from "./i18n.mjs";
import { ICONS } from "./icons.mjs";

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, attributes and children; children that are null or false are left out. */
export function h(tag, given, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") || ["value", "checked", "selected", "htmlFor"].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** One of the page's drawings. It says nothing: the words beside it do. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const filledWith = new WeakMap();

/**
 * Fills `parent` with what `make` returns, unless `key` says that it is filled so already. The focus stays on
 * the element with the same `data-keep`.
 */
export function fill(parent, key, make) {
  const text = JSON.stringify(key);
  if (filledWith.get(parent) === text) return;
  filledWith.set(parent, text);
  const kept = parent.contains(document.activeElement) ? document.activeElement.dataset.keep : undefined;
  parent.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
  if (kept) parent.querySelector(`[data-keep="${CSS.escape(kept)}"]`)?.focus();
}

let count = 0;

/** A labelled control, with a hint below it. */
export function field(label, control, hint) {
  control.id ||= `f${++count}`;
  const note = hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

/** A choice of `[value, words]` pairs. */
export function select(choices, value, onchange, more) {
  const options = choices.map(([of, words]) => h("option", { value: of, selected: of === value }, words));
  return h("select", { ...more, onchange: ({ target }) => onchange(target.value) }, options);
}

export function button(words, onclick, { kind = "plain", image, ...more } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, onclick, ...more },
    image && icon(image),
    h("span", null, words),
  );
}

/** A button that copies a text, or what a function returns by then, and says so. */
export function copyButton(text, name) {
  const words = t("action.copy_named", { name });
  const copy = async () => {
    await write(typeof text === "function" ? text() : text);
    element.classList.add("done");
    say(t("action.copied", { name }));
    element.addEventListener("blur", () => element.classList.remove("done"), { once: true });
  };
  const element = h(
    "button",
    {
      type: "button",
      class: "copy",
      "aria-label": words,
      title: words,
      onclick: copy,
      "data-keep": `copy ${typeof text === "string" ? text : name}`,
    },
    icon("copy"),
  );
  return element;
}

/** The clipboard is closed to pages that came over plain HTTP from another machine: then by the old way. */
async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { value: text, class: "unseen" });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A text to copy: a SID, a token, an address. */
export function code(text, name, shown = text) {
  return h("span", { class: "copied" }, h("code", null, shown), copyButton(text, name));
}

/** A short word in a colour that means something; the word alone says it too. */
export function pill(words, tone = "calm") {
  return h("span", { class: `pill ${tone}` }, words);
}

/** Tells people who hear the page, and shows it for a while. */
export function say(words, tone = "calm") {
  const place = document.getElementById("said");
  place.className = tone;
  place.textContent = words;
  place.dataset.shown = "";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => delete place.dataset.shown, 6000);
}

/** Asks before something that cannot be taken back. */
export function confirm(title, words, act) {
  return new Promise((resolve) => {
    const done = (answer) => () => dialog.close(answer);
    const dialog = h(
      "dialog",
      { "aria-labelledby": "ask", onclose: () => (dialog.remove(), resolve(dialog.returnValue === "yes")) },
      h("h2", { id: "ask" }, title),
      h("p", null, words),
      h(
        "div",
        { class: "row end" },
        button(t("action.cancel"), done(""), { autofocus: true }),
        button(act, done("yes"), { kind: "danger" }),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
