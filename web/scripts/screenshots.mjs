// Takes a picture of every page, in both themes and languages, on a wide and a narrow screen: into screenshots/.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addMember, api, connectEverything, editAtTwilio, sandboxFacts, startBrowser, startProduct } from "../e2e/product.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "screenshots");
const SCREENS = {
  wide: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true },
};
const LOOKS = [
  { language: "en", theme: "light", screen: "wide" },
  { language: "en", theme: "dark", screen: "wide" },
  { language: "fr", theme: "light", screen: "wide" },
  { language: "fr", theme: "dark", screen: "wide" },
  { language: "en", theme: "light", screen: "phone" },
  { language: "fr", theme: "dark", screen: "phone" },
];

// Each with a state to wait for, so that no picture shows a page that is still loading.
const BEFORE = [
  { name: "1-sign-in", path: "/sign-in", ready: 'input[type="password"]', signedOut: true },
  { name: "1b-second-step", path: "/sign-in#ticket=none&methods=totp,recovery_code", ready: "input", signedOut: true },
  { name: "1c-invitation", path: "INVITATION", ready: 'input[type="password"]', signedOut: true },
  { name: "1d-forgotten", path: "/reset-password", ready: "input", signedOut: true },
  { name: "1e-reset", path: "/reset-password/secret", ready: 'input[type="password"]', signedOut: true },
  { name: "2-first-steps", path: "/lines", ready: "[data-missing]" },
  { name: "3-twilio-new", path: "/settings/twilio", ready: 'input[type="tel"]' },
];
const WORKING = [
  { name: "4-lines", path: "/lines", ready: "td a" },
  { name: "5-line", path: "/lines/NUMBER", ready: '[data-healthy="true"]' },
  { name: "6-line-settings", path: "/lines/NUMBER?tab=settings", ready: "textarea" },
  { name: "7-line-activity", path: "/lines/NUMBER?tab=activity", ready: "[data-operation]" },
  { name: "8-import", path: "/lines?import=", ready: '[role="dialog"] input' },
  { name: "9-assistants", path: "/assistants", ready: "td" },
  { name: "10-assistant-new", path: "/assistants?new", ready: '[role="dialog"] textarea' },
  { name: "11-twilio", path: "/settings/twilio", ready: ".account-facts" },
  { name: "12-vapi", path: "/settings/vapi", ready: ".account-facts" },
  { name: "13-organisation", path: "/settings/organisation", ready: "form input" },
  { name: "13b-watch", path: "/settings/watch", ready: 'form input[type="checkbox"]', whole: true },
  { name: "14-members", path: "/settings/members", ready: "td" },
  { name: "15-tokens", path: "/settings/tokens", ready: "td" },
  { name: "15b-account", path: "/account", ready: "td", whole: true },
  { name: "15c-second-factor", path: "/account?factor=totp", ready: '[role="dialog"] button[type="submit"]', press: ['[role="dialog"] button[type="submit"]'], then: ".qr-code" },
  { name: "15d-account-menu", path: "/lines", ready: "td a", press: [".mantine-Burger-root", ".account-button"], then: '[role="radiogroup"]' },
  { name: "16-api-docs", path: "/api/docs", ready: ".opblock" },
];
const BROKEN = [
  { name: "17-line-broken", path: "/lines/NUMBER", ready: '[data-healthy="false"]' },
  { name: "18-repair", path: "/lines/NUMBER?fix=", ready: "[data-change]" },
  { name: "19-lines-broken", path: "/lines", ready: "td a" },
  { name: "20-alerts", path: "/alerts", ready: "[data-alert]" },
  { name: "21-diary", path: "/lines/NUMBER?tab=diary", ready: "[data-entry]" },
  { name: "22-tape", path: "/tape", ready: "td" },
  { name: "23-tape-refused", path: "/tape", ready: "td", press: ["td button"], then: "[data-refusal]" },
];

const OWNERS = [{ name: "24-audit", path: "/audit", ready: "[data-intact]" }];

mkdirSync(folder, { recursive: true });
const [product, browser] = await Promise.all([startProduct(), startBrowser()]);
try {
  const { link } = await api(product, "POST", "/api/v1/invitations", { email: "nora@example.com", role: "agent" });
  const facts = { ...(await sandboxFacts(product)), invitation: link };
  const member = await addMember(product, { name: "Ada", role: "admin" });
  await takeAll(BEFORE, facts, member);
  await connectEverything(product);
  await api(product, "POST", "/api/v1/tokens", { name: "Deploy pipeline", role: "viewer" });
  await lineReady(facts);
  await takeAll(WORKING, facts, member);
  await editAtTwilio(product, facts, { VoiceUrl: "https://example.com/voice" });
  await sendUnsigned(facts);
  await takeAll(BROKEN, facts, member);
  await takeAll(OWNERS, facts, await addMember(product, { name: "Olga", role: "owner" }));
  copyFileSync(join(folder, "5-line.en.light.wide.png"), join(root, "docs", "line.png"));
} finally {
  await browser.close();
  await product.stop();
}

/** The import runs by itself. Each look at it asks both providers, which is what paces this. */
async function lineReady({ number }) {
  const path = `/api/v1/lines/${encodeURIComponent(number.phone_number)}/checks`;
  for (;;) {
    const { setup } = await api(product, "GET", "/api/v1/setup-status");
    if (setup.operation?.state === "failed") throw new Error(setup.operation.problem?.message);
    if (setup.line && (await api(product, "GET", path)).doctor.healthy) return;
  }
}

/** Somebody passes for Twilio. */
async function sendUnsigned({ account, number }) {
  const body = new URLSearchParams({
    AccountSid: account.sid,
    MessageSid: `SM${"0123456789abcdef".repeat(2)}`,
    From: "+14155550100",
    To: number.phone_number,
    Body: "Hello",
  });
  await fetch(`${product.url}/inbox/webhooks/sms`, { method: "POST", body });
}

async function takeAll(pages, facts, member) {
  for (const look of LOOKS) {
    const context = await browser.newContext({
      ...SCREENS[look.screen],
      baseURL: product.url,
      locale: look.language,
      colorScheme: look.theme,
      reducedMotion: "reduce",
    });
    for (const { name, path, ready, signedOut, press = [], then = ready, whole = false } of pages) {
      if (!signedOut) await signIn(context, member);
      const page = await context.newPage();
      await page.goto(path.replace("NUMBER", encodeURIComponent(facts.number.phone_number)).replace("INVITATION", facts.invitation));
      await page.locator(ready).first().waitFor();
      // What is behind a menu on a narrow screen is not on a wide one.
      for (const button of press) if (await page.locator(button).first().isVisible()) await page.locator(button).first().click();
      await page.locator(then).first().waitFor();
      await page.locator("[aria-busy]").waitFor({ state: "detached" });
      await page.evaluate(() => document.fonts.ready);
      await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== "running"));
      await page.screenshot({ path: join(folder, `${name}.${look.language}.${look.theme}.${look.screen}.png`), fullPage: whole });
      await page.close();
    }
    await context.close();
    console.log(`${pages.length} pictures: ${Object.values(look).join(", ")}`);
  }
}

async function signIn(context, { email, password }) {
  const { cookies } = await context.storageState();
  if (cookies.length > 0) return;
  const answer = await context.request.post("/api/v1/session", { data: { email, password }, headers: { Origin: product.url } });
  if (!answer.ok()) throw new Error(`signing in: ${answer.status()}`);
}
