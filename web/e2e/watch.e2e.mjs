// What the watch saw, who was told of it, what was done and what was sent: pages about the past and the settings of it.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, addMember, api, connectEverything, editAtTwilio, sandboxFacts, startBrowser, startProduct, startRestored } from "./product.mjs";

const VAPI_WEBHOOK = "https://api.vapi.ai/twilio/inbound_call";
const ELSEWHERE = "https://example.com/voice";

let product, browser, facts, owner, viewer, line;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), startBrowser()]);
  facts = await sandboxFacts(product);
  owner = await addMember(product, { name: "Olga", role: "owner" });
  viewer = await addMember(product, { name: "Vera", role: "viewer" });
  await connectEverything(product);
  line = await lineReady();
});

afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

/** The number of the line, once its import is over. Each look asks both providers, which is what paces this. */
async function lineReady() {
  const number = facts.number.phone_number;
  for (;;) {
    const { setup } = await api(product, "GET", "/api/v1/setup-status");
    if (setup.operation?.state === "failed") throw new Error(setup.operation.problem?.message);
    if (setup.line && (await look(number)).healthy) return number;
  }
}

async function look(number) {
  return (await api(product, "POST", `/api/v1/lines/${encodeURIComponent(number)}/look`)).doctor;
}

/** A page on which somebody is signed in already. */
async function open(member, path, { baseURL = product.url, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce", baseURL, ...options });
  context.setDefaultTimeout(WAIT_MS_MAX);
  const { email, password } = member;
  const answer = await context.request.post("/api/v1/session", { data: { email, password }, headers: { Origin: baseURL } });
  expect(answer.ok()).toBe(true);
  const page = await context.newPage();
  await page.goto(path);
  await settled(page);
  return page;
}

async function settled(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator("[aria-busy]").waitFor({ state: "detached" });
}

describe("alerts and the diary", () => {
  test("an alert appears on an open page, is acknowledged, and goes when it is over", async () => {
    const page = await open(owner, "/alerts");
    const errors = watchErrors(page);
    await page.getByText("Nothing is wrong").waitFor();
    expect(await page.locator("[data-open-alerts]").count()).toBe(0);

    await editAtTwilio(product, facts, { VoiceUrl: ELSEWHERE });
    await look(line);
    const alert = page.locator('[data-alert="line_broken"]');
    await alert.waitFor();
    await page.locator('[data-open-alerts="1"]').waitFor();
    await expectAccessible(page);
    await alert.getByRole("button", { name: /^I know of it/ }).click();
    await page.locator('[data-alert="line_broken"][data-state="acknowledged"]').getByText(/Acknowledged by Olga/).waitFor();

    await editAtTwilio(product, facts, { VoiceUrl: VAPI_WEBHOOK });
    await look(line);
    await page.getByText("Nothing is wrong").waitFor();
    await page.getByText("All", { exact: true }).click();
    await page.locator('[data-alert="line_broken"][data-state="resolved"]').waitFor();
    await expectAccessible(page);
    expect(errors.unexpected()).toEqual([]);
    await page.context().close();
  });

  test("the diary tells what was changed, and that it was somebody outside", async () => {
    const page = await open(viewer, `/lines/${encodeURIComponent(line)}?tab=diary`);
    const entry = page.locator('[data-entry="failing"]').first();
    await entry.getByText("voice_url").waitFor();
    expect(await entry.textContent()).toContain("somebody outside Dialtone");
    expect(await entry.locator(".to").textContent()).toContain(ELSEWHERE);
    await expectAccessible(page);
    await page.context().close();
  });
});

describe("the audit trail", () => {
  test("an owner sees an intact chain, narrows it, and exports it", async () => {
    const page = await open(owner, "/audit");
    await page.locator('[data-intact="true"]').waitFor();
    await expectAccessible(page);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export as JSON lines" }).click(),
    ]);
    const entries = readFileSync(await download.path(), "utf8").trim().split("\n").map(JSON.parse);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));

    await page.goto("/audit?kind=line");
    const row = page.getByRole("button", { name: "A line was added." });
    await row.waitFor();
    const kinds = await page.locator("td .code").allTextContents();
    expect(kinds.filter((text) => text.includes(".") && !/^(line\.|\d)/.test(text))).toEqual([]);
    await row.click();
    await page.getByRole("dialog").getByText("line.added").waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Everything about this object" }).click();
    await page.waitForURL(/\?subject=/);
    await page.getByText("One object only").waitFor();
    await page.context().close();
  });

  test("a viewer is not led there", async () => {
    const page = await open(viewer, "/lines");
    await page.getByRole("link", { name: "Webhooks" }).waitFor();
    expect(await page.getByRole("link", { name: "Audit trail" }).count()).toBe(0);
    await page.context().close();
  });
});

describe("the tape", () => {
  test("a refused request is there with its reason, its text for who may open it, and is tried again", async () => {
    const body = new URLSearchParams({
      AccountSid: facts.account.sid,
      MessageSid: `SM${"a".repeat(32)}`,
      From: "+33612345678",
      To: line,
      Body: "Is anybody there?",
    });
    const refused = await fetch(`${product.url}/inbox/webhooks/sms`, { method: "POST", body });
    expect(refused.status).toBe(403);

    const page = await open(owner, "/tape");
    await page.getByLabel("Text").fill("SMaaaa");
    await page.waitForURL(/text=SMaaaa/);
    await page.getByRole("button", { name: "Twilio · Text message" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator('[data-refusal="signature_missing"]').waitFor();
    await expectAccessible(page);
    expect(await dialog.textContent()).not.toContain("Is anybody there?");
    await dialog.getByRole("button", { name: "Open its text" }).click();
    expect(await dialog.getByTestId("request-text").textContent()).toContain("Is+anybody+there");
    await dialog.getByRole("button", { name: "Verify it again" }).click();
    await page.getByText("It is still refused").waitFor();
    await page.context().close();

    const seen = await open(viewer, "/tape");
    await seen.getByRole("button", { name: "Twilio · Text message" }).click();
    expect(await seen.getByRole("button", { name: "Open its text" }).getAttribute("aria-disabled")).toBe("true");
    await seen.context().close();
  });
});

describe("settings", () => {
  test("the watch's interval and what is repaired without asking are saved", async () => {
    const page = await open(owner, "/settings/watch");
    await page.getByLabel("Minutes between two looks").fill("20");
    await page.getByLabel("The voice webhook points elsewhere").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    const { watch } = await api(product, "GET", "/api/v1/watch");
    expect([watch.interval_minutes, watch.repair]).toEqual([20, ["webhook_elsewhere"]]);
    await expectAccessible(page);

    await page.context().close();
  });

  test("a web address is added with its secret, tried, and removed; one that must not be called is refused", async () => {
    const told = [];
    const receiver = createServer((request, response) => {
      told.push(request.headers);
      request.resume().on("end", () => response.writeHead(204).end());
    });
    await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${receiver.address().port}/alerts`;

    const page = await open(owner, "/settings/watch");
    await page.getByRole("button", { name: "Add an address" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Address" }).fill("https://example.com:22/");
    await dialog.getByRole("button", { name: "Add an address" }).click();
    await dialog.locator('[data-code="address_forbidden"]').waitFor();
    await expectAccessible(page);
    await dialog.getByRole("textbox", { name: "Address" }).fill(url);
    await dialog.getByRole("button", { name: "Add an address" }).click();
    expect(await dialog.getByTestId("secret").textContent()).toMatch(/^whsec_/);
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: `Send a test: ${url}` }).click();
    await page.getByText("The receiver answered 204").waitFor();
    expect(told.map((headers) => Object.keys(headers).filter((name) => name.startsWith("webhook-")).sort())).toEqual([
      ["webhook-id", "webhook-signature", "webhook-timestamp"],
    ]);
    await page.getByRole("button", { name: `Remove: ${url}` }).click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("No address yet.").waitFor();
    await page.context().close();
    receiver.close();
  });

  test("a second factor is not required by somebody who has none", async () => {
    const page = await open(owner, "/settings/organisation");
    await page.getByLabel("Every member needs a second factor").click();
    await page.locator('[role="alert"][data-code]').waitFor();
    expect(await page.getByLabel("Every member needs a second factor").isChecked()).toBe(false);
    await page.context().close();
  });

  test("somebody is invited by a link, and the invitation is taken back", async () => {
    const page = await open(owner, "/settings/members");
    await page.getByRole("button", { name: "Invite somebody" }).click();
    await page.getByRole("dialog").getByLabel("E-mail").fill("new@example.com");
    await page.getByRole("dialog").getByRole("button", { name: "Invite somebody" }).click();
    expect(await page.getByTestId("secret").textContent()).toContain(`${product.url}/invitation/`);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Take back: new@example.com" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
    await page.getByText("Pending invitations").waitFor({ state: "detached" });
    await page.context().close();
  });

  test("a member is suspended and comes back; a token is narrowed", async () => {
    const page = await open(owner, "/settings/members");
    for (const [action, done] of [["Suspend", "Vera is suspended"], ["End the suspension", "Vera is no longer suspended"]]) {
      await page.getByRole("button", { name: "Actions: Vera" }).click();
      await page.getByRole("menuitem", { name: action }).click();
      await page.getByRole("dialog").getByRole("button", { name: action }).click();
      await page.getByText(done).waitFor();
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.goto("/settings/tokens?create=");
    await page.getByRole("dialog").getByLabel("Name").fill("Reader");
    await page.getByRole("dialog").getByRole("combobox", { name: "Only for" }).click();
    await page.getByRole("option", { name: "See lines" }).click();
    await page.keyboard.press("Tab");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.getByTestId("secret").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("Only: See lines").waitFor();
    await page.context().close();
  });
});

describe("what everybody has to know", () => {
  test("a restored backup is held back until an owner lets it go, and says so on every open page", async () => {
    const restored = await startRestored(product);
    try {
      const [page, seen] = await Promise.all([owner, viewer].map((member) => open(member, "/settings/members", { baseURL: restored.url })));
      const [banner, button] = [(at) => at.locator('[data-banner="fenced"]'), (at) => at.getByRole("button", { name: "Let it act again" })];
      await banner(seen).waitFor();
      expect(await button(seen).getAttribute("aria-disabled")).toBe("true");
      await expectAccessible(page);
      await button(banner(page)).click();
      const dialog = page.getByRole("dialog");
      expect(await button(dialog).isDisabled()).toBe(true);
      await dialog.getByLabel("Type Demo to confirm").fill("Demo");
      await expectAccessible(page);
      await button(dialog).click();
      await banner(page).waitFor({ state: "detached" });
      await banner(seen).waitFor({ state: "detached" });
      await Promise.all([page.context().close(), seen.context().close()]);
    } finally {
      await restored.stop();
    }
  });

  test("a server with another master key says so", async () => {
    const page = await open(viewer, "/sign-in");
    const checks = { database: "ok", staying: "ok", master_key: "sealed", effects: "ok" };
    await page.route("/readyz", (route) => route.fulfill({ status: 503, json: { status: "failing", checks } }));
    await page.goto("/lines");
    await page.locator('[data-banner="sealed"]').waitFor();
    await expectAccessible(page);
    await page.context().close();
  });
});

describe("looks", () => {
  const PAGES = ["/alerts?show=all", "/audit", "/tape", "/settings/watch", "/settings/members", "/settings/organisation", "/settings/tokens"];
  const LOOKS = [
    { locale: "fr", colorScheme: "dark" },
    { locale: "fr", colorScheme: "light", viewport: { width: 375, height: 720 }, hasTouch: true },
  ];

  test.each(LOOKS)("every page is accessible and fits: $locale, $colorScheme", async (options) => {
    const page = await open(owner, "/alerts", options);
    const errors = watchErrors(page);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Alertes");
    for (const path of PAGES) {
      await page.goto(path);
      await settled(page);
      await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `sideways scroll on ${path}`).toBeLessThanOrEqual(0);
    }
    expect(errors.unexpected()).toEqual([]);
    await page.context().close();
  });
});
