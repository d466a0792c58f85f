// The log: every request to a provider and every webhook from one, newest first.
import { control, send } from "./api.mjs";
import { attempt } from "./attempt.mjs";
import { button, copyButton, field, fill, h, icon, pill, select } from "./dom.mjs";
import { clockTime, t, tn, wholeTime } from "./i18n.mjs";
import { readStrict, store } from "./store.mjs";

const ROWS = 200;

/** What the choices of the toolbar let through. */
const PROVIDERS = {
  all: () => true,
  twilio: ({ kind, provider }) => kind === "request" && provider === "twilio",
  vapi: ({ kind, provider }) => kind === "request" && provider === "vapi",
  webhooks: ({ kind }) => kind === "webhook",
};
const STATUSES = {
  all: () => true,
  good: ({ status }) => status >= 200 && status < 400,
  refused: ({ status }) => status >= 400 && status < 500,
  failed: ({ status }) => status >= 500,
  none: ({ status }) => status === null,
  odd: (entry) => oddities(entry).length > 0,
};

/** Why an entry deserves a look: parameters that nobody knows, and what the specification does not allow. */
function oddities({ kind, seq, entry }) {
  const unknown = (entry.unknown_parameters ?? []).map((name) => t("log.unknown_parameter", { name }));
  return kind === "request" ? [...unknown, ...(store.violations.get(`${seq} ${entry.path}`) ?? [])] : unknown;
}

const found = new WeakMap();

/** The whole entry as text, made once, for searching. */
function searchable(row) {
  if (!found.has(row)) found.set(row, JSON.stringify(row.entry).toLowerCase());
  return found.get(row);
}

const choice = { provider: "all", status: "all", text: "", paused: false, shown: ROWS, era: 0 };
/** The log as it was when it was paused. */
let frozen;
/** What is not to be seen any more. */
let cleared = new Set();

export function logView(given) {
  const [requests, webhooks] = (given.get("after") ?? "").split(",").map(Number);
  const since = webhooks >= 0 ? { requests, webhooks } : undefined;
  const rows = h("ol", { class: "log", "aria-label": t("log.title") });
  const count = h("p", { class: "quiet", role: "status" });
  const more = h("div", { class: "row" });
  const pause = button(
    "",
    () => ((choice.paused = !choice.paused), (frozen = choice.paused ? store.entries : undefined), update()),
    {},
  );
  const clear = button(t("log.clear"), () => ((cleared = new Set(store.entries.map(({ id }) => id))), update()), {});
  const search = h("input", {
    type: "search",
    value: choice.text,
    placeholder: t("log.search_example"),
    oninput: () => ((choice.text = search.value), again()),
  });
  const filter = (name, table) =>
    select(
      Object.keys(table).map((key) => [key, t(`log.${name}_${key}`)]),
      choice[name],
      (value) => ((choice[name] = value), again()),
    );
  const strict = h("div");
  const shown = new Map();

  function again() {
    choice.shown = ROWS;
    update();
  }

  function matching() {
    const text = choice.text.trim().toLowerCase();
    const after = (row) => !since || row.seq > (row.kind === "request" ? since.requests : since.webhooks);
    return (frozen ?? store.entries).filter(
      (row) =>
        !cleared.has(row.id) &&
        after(row) &&
        PROVIDERS[choice.provider](row) &&
        STATUSES[choice.status](row) &&
        (!text || searchable(row).includes(text)),
    );
  }

  /** Rows that are there stay as they are, so that what is open stays open and the focus stays where it is. */
  function update() {
    if (choice.era !== store.era) {
      choice.era = store.era;
      cleared = new Set();
      frozen &&= store.entries;
      shown.clear();
    }
    fill(strict, [store.strict], () =>
      field(
        t("log.strict"),
        select(
          Object.keys(STRICT).map((mode) => [mode, t(`log.strict_${mode}`)]),
          strictMode(),
          setStrict,
          { "data-keep": "strict" },
        ),
      ),
    );
    const all = matching();
    const wanted = all.slice(-choice.shown).reverse();
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, element] of shown) {
      if (ids.has(id)) continue;
      element.remove();
      shown.delete(id);
    }
    let before = rows.firstElementChild;
    for (const row of wanted) {
      const marks = oddities(row).length;
      let element = shown.get(row.id);
      if (!element || element.marks !== marks) {
        const fresh = line(row);
        fresh.marks = marks;
        if (element === before) before = before?.nextElementSibling;
        element?.remove();
        shown.set(row.id, (element = fresh));
      }
      if (element === before) before = before.nextElementSibling;
      else rows.insertBefore(element, before);
    }
    pause.lastChild.textContent = t(choice.paused ? "log.go_on" : "log.pause");
    pause.setAttribute("aria-pressed", String(choice.paused));
    const words =
      tn("log.count", all.length) +
      (choice.paused ? ` · ${t("log.paused", { count: store.entries.length - frozen.length })}` : "");
    if (count.textContent !== words) count.textContent = words;
    fill(more, [all.length > choice.shown, all.length === 0], () => [
      all.length > choice.shown && button(t("log.more"), () => ((choice.shown += ROWS), update())),
      all.length === 0 && h("p", { class: "empty" }, t(store.entries.length === 0 ? "log.empty" : "log.none_match")),
    ]);
  }

  const element = h(
    "div",
    { class: "view" },
    h("header", { class: "page-head" }, h("h1", null, t("log.title")), h("p", null, t("log.lead"))),
    h(
      "div",
      { class: "toolbar" },
      field(t("log.search"), search),
      field(t("log.provider"), filter("provider", PROVIDERS)),
      field(t("log.status"), filter("status", STATUSES)),
      h("div", { class: "row" }, pause, clear),
    ),
    h("div", { class: "inline-field" }, strict),
    since && h("p", { class: "note" }, t("log.since_call"), " ", h("a", { href: "#/log" }, t("log.show_all"))),
    count,
    rows,
    more,
  );
  return { element, update };
}

/** How requests are held against the providers' official descriptions. */
const STRICT = {
  off: { enabled: false },
  report: { enabled: true },
  refuse: { enabled: true, refuse: true },
};

const strictMode = () => (store.strict.refuse ? "refuse" : store.strict.enabled ? "report" : "off");

const setStrict = (mode) =>
  attempt(async () => {
    await send(control("POST", "strict", STRICT[mode]));
    await readStrict();
  }, t("log.strict_set"));

const tone = ({ status }) =>
  status === null ? "bad" : status < 300 ? "good" : status < 400 ? "calm" : status < 500 ? "warn" : "bad";

function line(row) {
  const { kind, provider, method, target, at, entry } = row;
  const odd = oddities(row);
  const failed = row.status === null;
  const details = h(
    "details",
    { "data-keep": row.id },
    h(
      "summary",
      null,
      h("time", { datetime: at, title: wholeTime(at) }, clockTime(at)),
      h(
        "span",
        { class: `way ${kind}` },
        icon(kind === "request" ? "in" : "out"),
        h("span", { class: "unseen" }, t(`log.${kind}`)),
      ),
      h("span", { class: `from ${provider}` }, provider),
      h("span", { class: "method" }, method),
      h("span", { class: "target" }, kind === "webhook" && h("b", null, `${entry.event} `), target),
      odd.length > 0 && pill(tn("log.odd", odd.length), "warn"),
      pill(failed ? t("log.no_answer") : String(row.status), tone(row)),
    ),
  );
  details.addEventListener(
    "toggle",
    () => details.open && details.childElementCount === 1 && details.append(opened(row, odd)),
  );
  return h("li", { class: kind }, details);
}

/** Everything about one entry; made when somebody opens it. */
function opened({ kind, entry }, odd) {
  const unknown = new Set(entry.unknown_parameters ?? []);
  const answer = kind === "webhook" ? readable(entry.answer?.body) : entry.answer;
  const cut = entry.failure ? t(`failure.${entry.failure}`) : t("log.cut");
  return h(
    "div",
    { class: "opened" },
    odd.length > 0 &&
      h(
        "ul",
        { class: "odd" },
        odd.map((words) => h("li", null, icon("warn"), words)),
      ),
    kind === "webhook" && part("log.url", h("code", { class: "wrap" }, entry.url)),
    kind === "webhook" && entry.subject && part("log.subject", h("code", { class: "wrap" }, entry.subject)),
    table("log.query", entry.query, unknown),
    table("log.form", entry.form ?? formOf(entry), unknown),
    body("log.body", entry.form || formOf(entry) ? undefined : readable(entry.body)),
    kind === "webhook" && folded("log.headers", table("", entry.headers, unknown)),
    entry.status === null || entry.failure
      ? part("log.answer", h("p", { class: "bad-text" }, cut))
      : body("log.answer", answer ?? ""),
  );
}

const folded = (key, content) => content && h("details", null, h("summary", null, t(key)), content);

const part = (key, content) => h("section", null, key && h("h2", null, t(key)), content);

/** Twilio's webhooks are forms. */
function formOf({ headers, body }) {
  if (!headers?.["content-type"]?.startsWith("application/x-www-form-urlencoded") || typeof body !== "string" || !body)
    return undefined;
  return Object.fromEntries(new URLSearchParams(body));
}

function readable(text) {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function table(key, values, unknown) {
  const pairs = Object.entries(values ?? {});
  if (pairs.length === 0) return undefined;
  const row = ([name, value]) =>
    h(
      "tr",
      { class: unknown.has(name) ? "unknown" : undefined },
      h("th", { scope: "row" }, name, unknown.has(name) && h("span", { class: "pill warn" }, t("log.unknown"))),
      h("td", null, Array.isArray(value) ? value.join("\n") : value),
    );
  return part(key, h("table", { class: "pairs" }, h("tbody", null, pairs.map(row))));
}

function body(key, value) {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (text === "") return key === "log.answer" ? part(key, h("p", { class: "quiet" }, t("log.no_body"))) : undefined;
  return h("section", null, h("h2", null, t(key), copyButton(text, t(key))), h("pre", { tabindex: 0 }, text));
}
