// Scenarios: a day of calls and texts from a file, and what came of those that play.
import { control, get, send } from "./api.mjs";
import { button, field, fill, h, icon, pill, say } from "./dom.mjs";
import { clockTime, number, t, tn } from "./i18n.mjs";
import { forgetAll } from "./people.mjs";
import { forget, now, readNow } from "./store.mjs";

/** The ones that come with the sandbox. */
const EXAMPLES = {
  clinic: "/sandbox/assets/scenarios/clinic.json",
  load: "/sandbox/assets/scenarios/load.json",
};

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function scenarioCard() {
  const text = h("textarea", { rows: 6, class: "mono", spellcheck: "false", placeholder: '{"events": []}' });
  const seed = h("input", { type: "number", min: 0, step: 1, inputmode: "numeric", placeholder: t("time.no_seed") });
  const atOnce = h("input", { type: "checkbox" });
  const choose = async () => (text.value = await file.files[0].text());
  const file = h("input", { type: "file", accept: ".json", class: "unseen", id: "scenario", onchange: choose });
  const go = h("button", { class: "button primary", type: "submit" }, icon("play"), h("span", null, t("time.play")));
  const played = h("div");
  const example = (name) =>
    button(t(`time.example_${name}`), async () => (text.value = await (await fetch(EXAMPLES[name])).text()));

  async function onsubmit(event) {
    event.preventDefault();
    const scenario = parsed(text.value);
    if (!scenario) return say(t("time.not_json"), "bad");
    const anew = seed.value !== "";
    const body = { scenario, ...(anew && { seed: Number(seed.value) }), ...(atOnce.checked && { wait: true }) };
    go.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      const { done, refused } = await send(control("POST", "scenario", body));
      if (anew) {
        forgetAll();
        forget();
      }
      await readNow();
      say(atOnce.checked ? t("time.scenario_done", progress(done, refused)) : t("time.scenario_started"));
    } catch (error) {
      say(t("error.refused", { words: error.message }), "bad");
    } finally {
      go.disabled = false;
      form.removeAttribute("aria-busy");
      await update();
    }
  }

  const form = h(
    "form",
    { class: "stack", onsubmit },
    field(t("time.scenario_text"), text),
    h(
      "div",
      { class: "row" },
      file,
      h("label", { class: "button plain", for: "scenario" }, icon("open"), h("span", null, t("time.open_file"))),
      Object.keys(EXAMPLES).map(example),
    ),
    field(t("time.scenario_seed"), seed, t("time.scenario_seed_hint")),
    h("label", { class: "check" }, atOnce, t("time.at_once")),
    h("div", { class: "row" }, go),
  );

  async function update() {
    const { scenarios } = await get("scenario");
    fill(played, [scenarios, scenarios.map(isOver)], () => scenarios.length > 0 && list(scenarios));
  }

  const element = h(
    "section",
    { class: "card" },
    h("h2", null, icon("play"), t("time.scenario")),
    h("p", { class: "quiet" }, t("time.scenario_hint")),
    form,
    played,
  );
  return { element, update };
}

const isOver = ({ ends }) => now() >= Date.parse(ends);

function progress(done, refused) {
  return { events: number(Object.values(done).reduce((sum, count) => sum + count, 0)), refused: number(refused) };
}

function list(scenarios) {
  const entry = (play) =>
    h(
      "li",
      null,
      h(
        "span",
        { class: "grow" },
        h("strong", null, play.name),
        h(
          "small",
          null,
          ` ${clockTime(play.begun)}–${clockTime(play.ends)} · `,
          t("time.scenario_done", progress(play.done, play.refused)),
        ),
        play.refusals.length > 0 && refusals(play.refusals),
      ),
      pill(t(isOver(play) ? "time.over" : "time.playing"), isOver(play) ? "calm" : "good"),
    );
  return h("ul", { class: "plain-list lines", "aria-live": "polite" }, scenarios.map(entry));
}

function refusals(sentences) {
  const lines = sentences.map((sentence) => h("li", null, sentence));
  return h(
    "details",
    null,
    h("summary", null, tn("time.refusals", sentences.length)),
    h("ul", { class: "steps" }, lines),
  );
}
