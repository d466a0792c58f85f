// The page's two languages. The texts are in texts/*.json, with the same keys.

export const LANGUAGES = [
  ["en", "English"],
  ["fr", "Français"],
];
const FILES = { en: "/sandbox/assets/texts/en.json", fr: "/sandbox/assets/texts/fr.json" };
const KEPT = "dialtone.sandbox.language";

let texts = {};
export let language = "en";

/** What somebody chose here, else the browser's first language that the page speaks. */
export function preferred() {
  const known = LANGUAGES.map(([code]) => code);
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())];
  return wanted.find((code) => known.includes(code)) ?? "en";
}

export async function speak(code) {
  texts = await (await fetch(FILES[code])).json();
  language = code;
  document.documentElement.lang = code;
}

export function remember(code) {
  localStorage.setItem(KEPT, code);
}

/** Whether there is a text of this name: for what the providers may invent. */
export const has = (key) => find(key) !== undefined;

const find = (key) => key.split(".").reduce((at, part) => at?.[part], texts);

/** The text of this name, with `{name}` replaced by what is given. */
export function t(key, given = {}) {
  const text = find(key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
}

/** The text for one or for several: `key_one`, `key_other`. */
export function tn(key, count, given = {}) {
  const form = new Intl.PluralRules(language).select(count);
  return t(`${key}_${form === "one" ? "one" : "other"}`, { count: number(count), ...given });
}

export const number = (value) => new Intl.NumberFormat(language).format(value);

const format = (options) => (at) =>
  new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }).format(new Date(at));

/** Times are the sandbox's own, and in UTC as the providers give them. */
export const clockTime = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const shortTime = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const wholeTime = format({ dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });

/** `95` is "1 min 35 s". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${number(whole)} s` : `${number(Math.floor(whole / 60))} min ${whole % 60} s`;
}
