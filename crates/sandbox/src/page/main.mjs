// The page's frame: which view is shown, language and appearance, and what every view needs.
import { breakView } from "./breaking.mjs";
import { fill, h, icon, say } from "./dom.mjs";
import { LANGUAGES, clockTime, language, preferred, remember, speak, t } from "./i18n.mjs";
import { logView } from "./log.mjs";
import { phonesView } from "./phones.mjs";
import { providersView } from "./providers.mjs";
import { now, readStrict, refresh, store, subscribe, watch } from "./store.mjs";
import { timeView } from "./time.mjs";

const VIEWS = [
  { name: "phones", image: "phone", make: phonesView },
  { name: "providers", image: "providers", make: providersView },
  { name: "log", image: "log", make: logView },
  { name: "break", image: "break", make: breakView },
  { name: "time", image: "clock", make: timeView },
];
const THEMES = ["auto", "light", "dark"];
const KEPT_THEME = "dialtone.sandbox.theme";

let view;
let frame;

/** `#/log?after=3,4` is the view `log` with what it is given. */
function place() {
  const [name, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: VIEWS.find((one) => one.name === name) ?? VIEWS[0], given: new URLSearchParams(query) };
}

function build() {
  const clock = h("a", { href: "#/time", class: "clock" });
  const lost = h("div", { class: "lost", role: "alert" });
  const nav = h("nav", { "aria-label": t("app.nav") });
  const main = h("main", { id: "main", tabindex: -1 });
  const header = h(
    "header",
    { class: "top" },
    h(
      "a",
      { class: "brand", href: "#/phones" },
      h("img", { src: "/sandbox/assets/icon.svg", alt: "", width: 28, height: 28 }),
      h("span", null, "Dialtone"),
      h("span", { class: "tag" }, t("app.sandbox")),
    ),
    nav,
    h("div", { class: "tools" }, clock, chooseLanguage(), chooseTheme()),
  );
  const skip = h(
    "a",
    { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) },
    t("app.skip"),
  );
  document.body.replaceChildren(
    skip,
    header,
    lost,
    main,
    h("div", { id: "said", role: "status", "aria-live": "polite" }),
  );
  frame = { clock, lost, nav, main };
}

function chooseLanguage() {
  const choose = async ({ target }) => {
    remember(target.value);
    await speak(target.value);
    build();
    show();
    document.querySelector(".language")?.focus();
  };
  return h(
    "select",
    { class: "language", "aria-label": t("app.language"), onchange: choose },
    LANGUAGES.map(([code, name]) => h("option", { value: code, selected: code === language, lang: code }, name)),
  );
}

function chooseTheme() {
  const kept = localStorage.getItem(KEPT_THEME) ?? "auto";
  const choose = ({ target }) => {
    localStorage.setItem(KEPT_THEME, target.value);
    applyTheme();
  };
  return h(
    "select",
    { class: "theme", "aria-label": t("app.theme"), onchange: choose },
    THEMES.map((name) => h("option", { value: name, selected: name === kept }, t(`app.theme_${name}`))),
  );
}

function applyTheme() {
  document.documentElement.dataset.theme = localStorage.getItem(KEPT_THEME) ?? "auto";
}

function show(moved = false) {
  const {
    view: { name, make },
    given,
  } = place();
  view = make(given);
  fill(frame.nav, [name, language], () =>
    VIEWS.map((one) =>
      h(
        "a",
        { href: `#/${one.name}`, "aria-current": one.name === name ? "page" : undefined, "data-keep": one.name },
        icon(one.image),
        h("span", null, t(`app.${one.name}`)),
      ),
    ),
  );
  frame.main.replaceChildren(view.element);
  document.title = `${t(`app.${name}`)} · ${t("app.title")}`;
  update();
  if (moved) {
    scrollTo(0, 0);
    frame.main.focus({ preventScroll: true });
  }
}

function update() {
  fill(frame.lost, [store.alive, language], () => !store.alive && h("p", null, icon("warn"), t("app.lost")));
  if (store.state) {
    view.update();
    document.documentElement.dataset.ready = "";
  }
  tick();
}

function tick() {
  const at = now();
  if (at === undefined) return;
  const standing = store.clock.speed === 0;
  const words = `${clockTime(at)} UTC${standing ? ` · ${t("app.standing")}` : store.clock.speed === 1 ? "" : ` · ×${store.clock.speed}`}`;
  if (frame.clock.textContent !== words) {
    frame.clock.textContent = words;
    frame.clock.setAttribute("aria-label", t("app.clock", { time: words }));
  }
  view?.tick?.();
}

applyTheme();
await speak(preferred());
build();
show();
subscribe(update);
addEventListener("hashchange", () => show(true));
addEventListener("unhandledrejection", ({ reason }) =>
  say(t("error.page", { words: String(reason?.message ?? reason) }), "bad"),
);
setInterval(tick, 500);
await refresh();
readStrict().catch(() => undefined);
watch();
