// Time and whole states: the clock, a new beginning with a seed, scenarios, saved states.
import { control, curl, get, send } from "./api.mjs";
import { anew, attempt } from "./attempt.mjs";
import { button, confirm, field, fill, h, icon, say, select } from "./dom.mjs";
import { has, number, t, wholeTime } from "./i18n.mjs";
import { parsed, scenarioCard } from "./scenarios.mjs";
import { now, setClock, store } from "./store.mjs";

const STEPS = [60, 3600, 86_400];
const SPEEDS = [0, 1, 10, 60, 600, 3600];

export function timeView() {
  const clock = h("p", { class: "big-clock", role: "timer" });
  const how = h("div");
  const steps = h("div", { class: "row" });
  const switches = h("section", { class: "card" });
  const scenario = scenarioCard();
  let settings;

  const act = (call, words) =>
    attempt(async () => {
      const answer = await send(call);
      if (call.path.endsWith("/clock")) setClock(answer);
    }, words);

  const advance = (seconds) => act(control("POST", "clock", { advance_s: seconds }), t("time.advanced"));
  const own = h("input", { type: "number", min: 1, max: 1_000_000_000, value: 30, inputmode: "numeric" });

  function update() {
    tick();
    const { speed } = store.state?.clock ?? {};
    fill(how, [speed], () =>
      field(
        t("time.speed"),
        select(
          speeds(speed).map((value) => [String(value), speedWords(value)]),
          String(speed),
          (value) => act(control("POST", "clock", { speed: Number(value) }), t("time.speed_set")),
          { "data-keep": "speed" },
        ),
        t(speed === 0 ? "time.standing_hint" : "time.running_hint"),
      ),
    );
    fill(steps, ["steps"], () =>
      STEPS.map((seconds) => button(t(`time.step_${seconds}`), () => advance(seconds), { image: "forward" })),
    );
    fill(switches, [settings], () => settings && settingsCard(settings, change));
    switches.hidden = !settings;
    scenario.update().catch(() => undefined);
  }

  async function change(name, value) {
    if (await act(control("POST", "settings", { [name]: value }), t("time.setting_saved"))) await readSettings();
  }

  async function readSettings() {
    try {
      settings = await get("settings");
    } catch {
      settings = undefined;
    }
    update();
  }
  readSettings();

  function tick() {
    const at = now();
    if (at !== undefined) clock.textContent = wholeTime(at);
  }

  const custom = h(
    "form",
    { class: "row", onsubmit: (event) => (event.preventDefault(), advance(Number(own.value))) },
    h("div", { class: "inline-field" }, field(t("time.seconds"), own)),
    h("button", { class: "button plain", type: "submit" }, icon("forward"), h("span", null, t("time.advance"))),
  );
  const element = h(
    "div",
    { class: "view" },
    h("header", { class: "page-head" }, h("h1", null, t("time.title")), h("p", null, t("time.lead"))),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        { class: "stack" },
        h(
          "section",
          { class: "card" },
          h("h2", null, icon("clock"), t("time.clock")),
          clock,
          steps,
          custom,
          how,
          curlLine(control("POST", "clock", { advance_s: 3600 })),
        ),
        scenario.element,
      ),
      h("div", { class: "stack" }, stateCard(), seedCard(), switches),
    ),
  );
  return { element, update, tick };
}

const speeds = (speed) => [...new Set([...SPEEDS, ...(speed === undefined ? [] : [speed])])].sort((a, b) => a - b);
const speedWords = (speed) =>
  speed === 0 ? t("time.stands") : speed === 1 ? t("time.real") : t("time.times", { speed: number(speed) });

const curlLine = (call) =>
  h("details", { class: "curl" }, h("summary", null, t("break.call")), h("pre", { tabindex: 0 }, curl(call)));

function seedCard() {
  const seed = h("input", { type: "number", min: 0, step: 1, placeholder: "7", inputmode: "numeric" });
  const onsubmit = async (event) => {
    event.preventDefault();
    const body = seed.value === "" ? {} : { seed: Number(seed.value) };
    if (await confirm(t("time.seed_title"), t("break.reset.text"), t("time.seed_do")))
      await anew(control("POST", "reset", body), t("break.reset.done"));
  };
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("time.seed_title")),
    h(
      "form",
      { class: "stack", onsubmit },
      field(t("time.seed"), seed, t("time.seed_hint")),
      h("div", { class: "row" }, h("button", { class: "button danger-plain", type: "submit" }, t("time.seed_do"))),
    ),
    curlLine(control("POST", "reset", { seed: 7 })),
  );
}

function stateCard() {
  const file = h("input", {
    type: "file",
    accept: "application/json,.json",
    class: "unseen",
    id: "snapshot",
    onchange: load,
  });
  async function load() {
    // Sent as it is: its numbers are larger than a script's.
    const text = await file.files[0].text();
    file.value = "";
    if (!parsed(text)) return say(t("time.not_json"), "bad");
    if (await confirm(t("time.load"), t("time.load_text"), t("time.load"))) {
      await anew({ method: "PUT", path: "/sandbox/snapshot", text }, t("time.loaded"));
    }
  }
  return h(
    "section",
    { class: "card" },
    h("h2", null, icon("save"), t("time.state")),
    h("p", { class: "quiet" }, t("time.state_hint")),
    h(
      "div",
      { class: "row" },
      h(
        "a",
        { class: "button plain", href: "/sandbox/snapshot", download: "sandbox.json" },
        icon("save"),
        h("span", null, t("time.save")),
      ),
      file,
      h("label", { class: "button plain", for: "snapshot" }, icon("open"), h("span", null, t("time.load"))),
    ),
  );
}

/** Settings that are one of a few words. */
const CHOICES = { fresh_numbers: ["demo", "empty"] };

/** Switches for what nobody knows about the providers; those that the page has no words for go by their name. */
function settingsCard(settings, change) {
  const head = [h("h2", null, t("time.settings")), h("p", { class: "quiet" }, t("time.settings_hint"))];
  return [...head, h("div", { class: "stack" }, settingsOf(settings, change))];
}

function settingsOf(settings, change) {
  return Object.entries(settings).map(([name, value]) => {
    // A group of settings is changed as a whole.
    if (typeof value === "object" && value !== null) {
      return settingsOf(value, (inner, of) => change(name, { ...value, [inner]: of }));
    }
    return setting(name, value, (of) => change(name, of));
  });
}

function setting(name, value, change) {
  const words = has(`setting.${name}`) ? t(`setting.${name}`) : name.replaceAll("_", " ");
  const kept = { "data-keep": name };
  if (typeof value === "boolean") {
    const box = { type: "checkbox", checked: value, onchange: ({ target }) => change(target.checked) };
    return h("label", { class: "check" }, h("input", { ...box, ...kept }), words);
  }
  if (CHOICES[name]) {
    const choices = CHOICES[name].map((one) => [one, t(`setting.${name}_${one}`)]);
    return field(words, select(choices, value, change, kept));
  }
  // What has no value is a limit that is not set.
  const text = typeof value === "string";
  const read = (given) => (text ? given : given === "" ? null : Number(given));
  const kind = text ? { type: "text" } : { type: "number", min: 0, placeholder: t("time.none"), class: "modest" };
  const onchange = ({ target }) => change(read(target.value));
  return field(words, h("input", { ...kind, value: value ?? "", onchange, ...kept }));
}
