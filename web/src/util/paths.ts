/** Every address of the interface; nothing else builds one. */

export const SETTINGS_SECTIONS = ["twilio", "vapi", "organisation", "watch", "members", "tokens"] as const;
export type SettingsSection = (typeof SETTINGS_SECTIONS)[number];

export const LINE_TABS = ["health", "settings", "activity", "diary"] as const;
export type LineTab = (typeof LINE_TABS)[number];

export const paths = {
  signIn: (next?: string) => (next && next !== "/" ? `/sign-in?next=${encodeURIComponent(next)}` : "/sign-in"),
  invitation: (secret: string) => `/invitation/${encodeURIComponent(secret)}`,
  askReset: () => "/reset-password",
  setup: () => "/setup",
  lines: () => "/lines",
  importLine: (number?: string) => (number ? `/lines?import=${encodeURIComponent(number)}` : "/lines?import="),
  line: (id: string, tab: LineTab = "health") => `/lines/${encodeURIComponent(id)}${tab === "health" ? "" : `?tab=${tab}`}`,
  assistants: () => "/assistants",
  newAssistant: () => "/assistants?new",
  alerts: () => "/alerts",
  tape: () => "/tape",
  audit: () => "/audit",
  settings: (section: SettingsSection = "twilio") => `/settings/${section}`,
  account: () => "/account",
  apiDocs: () => "/api/docs",
};

/** Where to go after signing in: only addresses of our own, whatever the link said. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : paths.lines();
}
