import { describe, expect, test } from "vitest";
import { LINE_TABS, SETTINGS_SECTIONS, paths, safeNext } from "../src/util/paths";
import { countries } from "../src/util/countries";

describe("addresses", () => {
  test("of every page", () => {
    expect([
      paths.signIn(),
      paths.signIn("/"),
      paths.signIn("/lines/1?tab=activity"),
      paths.setup(),
      paths.lines(),
      paths.importLine(),
      paths.importLine("+33612345678"),
      paths.assistants(),
      paths.newAssistant(),
      ...LINE_TABS.map((tab) => paths.line("+33612345678", tab)),
      ...SETTINGS_SECTIONS.map(paths.settings),
      paths.alerts(),
      paths.tape(),
      paths.audit(),
      paths.apiDocs(),
    ]).toMatchInlineSnapshot(`
      [
        "/sign-in",
        "/sign-in",
        "/sign-in?next=%2Flines%2F1%3Ftab%3Dactivity",
        "/setup",
        "/lines",
        "/lines?import=",
        "/lines?import=%2B33612345678",
        "/assistants",
        "/assistants?new",
        "/lines/%2B33612345678",
        "/lines/%2B33612345678?tab=settings",
        "/lines/%2B33612345678?tab=activity",
        "/lines/%2B33612345678?tab=diary",
        "/settings/twilio",
        "/settings/vapi",
        "/settings/organisation",
        "/settings/watch",
        "/settings/members",
        "/settings/tokens",
        "/alerts",
        "/tape",
        "/audit",
        "/api/docs",
      ]
    `);
  });

  test.each(["//example.com", "/\\example.com", "https://example.com", "javascript:alert(1)", "", null])(
    "%s is no place to go after signing in",
    (next) => expect(safeNext(next)).toBe(paths.lines()),
  );

  test("a page of ours is", () => expect(safeNext("/settings/vapi?x=1")).toBe("/settings/vapi?x=1"));
});

describe("countries", () => {
  test("are named and sorted in the reader's language", () => {
    const english = countries("en");
    const french = countries("fr");
    expect(english.find(({ value }) => value === "DE")?.label).toBe("Germany");
    expect(french.find(({ value }) => value === "DE")?.label).toBe("Allemagne");
    expect(new Set(english.map(({ label }) => label)).size).toBe(english.length);
    // Accents do not push a name to the end.
    const labels = french.map(({ label }) => label);
    expect(labels.indexOf("États-Unis")).toBeLessThan(labels.indexOf("France"));
  });
});
