// In this order: later ones name themselves like the earlier ones, too.
const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;

const SYSTEMS = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
] as const;

const TEXT_LENGTH_MAX = 60;

/** A browser in a few words, by what it says it is: "Firefox, Windows". Programs keep their own words. */
export function deviceOf(userAgent: string): string {
  const named = [BROWSERS, SYSTEMS].flatMap((table) => table.find(([mark]) => mark.test(userAgent))?.[1] ?? []);
  return named.length > 0 ? named.join(", ") : userAgent.slice(0, TEXT_LENGTH_MAX);
}
