// The main job, played in a browser: from an empty demo to a number that answers, broken and repaired.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, editAtTwilio, sandboxFacts, startBrowser, startProduct } from "./product.mjs";

let product, browser, page, facts, errors;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), startBrowser()]);
  facts = await sandboxFacts(product);
  const context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce" });
  context.setDefaultTimeout(WAIT_MS_MAX);
  page = await context.newPage();
  errors = watchErrors(page);
});

afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

const missing = () => page.locator("[data-missing]").evaluateAll((items) => items.map((item) => item.dataset.missing));
const check = (id) => page.locator(`[data-check="${id}"]`);
const field = (name) => page.getByRole("textbox", { name });
const button = (name) => page.getByRole("button", { name, exact: true });

describe("from nothing to a number that answers", () => {
  test("the sign-in link signs in, once, and the page lists what is missing in order (A5)", async () => {
    await page.goto(product.sign_in_url);
    await page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();
    await page.locator('[data-setup="missing"]').waitFor();
    expect(await missing()).toEqual(["twilio_credentials", "phone_number", "vapi_key", "assistant"]);
    await page.getByText("No lines yet").waitFor();
    await expectAccessible(page);

    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(product.sign_in_url);
    await stranger.goto(product.url);
    await stranger.getByRole("heading", { name: "Sign in" }).waitFor();
    await stranger.context().close();
  });

  test("a key's SID in place of the account's is named as that, and nothing is saved", async () => {
    await page.getByRole("link", { name: "Add Twilio" }).click();
    await field("Account SID").fill(`SK${facts.account.sid.slice(2)}`);
    await field("Auth token").fill(facts.account.auth_token);
    await button("Save and check").click();
    await page.locator('[role="alert"][data-code="twilio_sid_is_key"]').waitFor();
    await page.getByText("Not connected").waitFor();
    await expectAccessible(page);
  });

  test("saving Twilio with a national number leaves Vapi and the assistant missing (A1, A5, E5)", async () => {
    await field("Account SID").fill(facts.account.sid);
    await field("Phone number").fill(facts.number.phone_number.replace("+33", "0"));
    await button("Save and check").click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.locator('[data-missing="twilio_credentials"]').waitFor({ state: "detached" });
    expect(await missing()).toEqual(["vapi_key", "assistant"]);
    await page.getByText(facts.number.phone_number).first().waitFor();
    expect(await page.content()).not.toContain(facts.account.auth_token);
  });

  test("a wrong Vapi key is refused in plain words, the right one is saved", async () => {
    await page.getByRole("link", { name: "Add the key" }).click();
    const key = field("Private API key");
    await key.fill("00000000-0000-4000-8000-000000000000");
    await button("Save and check").click();
    await page.locator('[role="alert"][data-code="vapi_unauthorized"]').waitFor();
    await key.fill(facts.org.private_key);
    await button("Save and check").click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.locator('[data-missing="vapi_key"]').waitFor({ state: "detached" });
    expect(await missing()).toEqual(["assistant"]);
    await expectAccessible(page);
  });

  test("creating the last missing thing imports, links and verifies without another click (A5)", async () => {
    await page.getByRole("link", { name: "Create an assistant" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Reception");
    await dialog.getByLabel("First message").fill("Hello, thank you for calling.");
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Create" }).click();
    await page.locator('[data-setup="ready"]').waitFor();
    await expectAccessible(page);
    await page.getByRole("link", { name: "Open the line" }).click();
    await page.locator('[data-healthy="true"]').waitFor();
    await page.getByText("Every check is green").waitFor();
    const checks = page.locator("[data-check]");
    expect(await checks.evaluateAll((items) => items.map((item) => item.dataset.check))).toEqual([
      "credentials",
      "assistant",
      "imported",
      "linked",
      "webhook",
      "reachable",
    ]);
    expect(await page.locator('[data-check]:not([data-status="ok"])').count()).toBe(0);
    await expectAccessible(page);
  });
});

describe("someone edits the webhook in the Twilio console", () => {
  const elsewhere = "https://example.com/voice";

  test("the check names it, with what it should be and what it is (A6, A7)", async () => {
    await editAtTwilio(product, facts, { VoiceUrl: elsewhere });
    await button("Check now").click();
    await page.locator('[data-check="webhook"][data-status="failing"]').waitFor();
    await check("webhook").getByText(elsewhere).first().waitFor();
    await check("webhook").getByText("https://api.vapi.ai/twilio/inbound_call").first().waitFor();
    expect(await check("reachable").getAttribute("data-status")).toBe("not_reached");
    await expectAccessible(page);
  });

  test("the fix shows what it will change, changes it, and every check is green", async () => {
    await check("webhook").getByRole("button").last().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(elsewhere).waitFor();
    await dialog.getByText("https://api.vapi.ai/twilio/inbound_call").first().waitFor();
    await expectAccessible(page);
    await dialog.getByRole("button", { name: /^Apply/ }).click();
    await dialog.locator("[data-repaired]").waitFor();
    expect((await sandboxFacts(product)).number.voice_url).toBe("https://api.vapi.ai/twilio/inbound_call");
    await expectAccessible(page);
  });

  test("the repair can be undone", async () => {
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Undo" }).click();
    await dialog.locator("[data-undone]").waitFor();
    expect((await sandboxFacts(product)).number.voice_url).toBe(elsewhere);
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.locator('[data-check="webhook"][data-status="failing"]').waitFor();
    await page.getByRole("tab", { name: "Activity" }).click();
    await page.getByRole("article").filter({ hasText: "Repair" }).getByText("Undone").waitFor();
    await expectAccessible(page);
  });

  test("the list shows the failing line, and the page follows a repair made elsewhere without a reload", async () => {
    await page.getByRole("link", { name: "Lines", exact: true }).click();
    await page.getByRole("cell").getByText("Failing").waitFor();
    await expectAccessible(page);
    const line = encodeURIComponent(facts.number.phone_number);
    const response = await fetch(`${product.url}/api/v1/lines/${line}/repair`, {
      method: "POST",
      headers: { Authorization: `Bearer ${product.api_token}`, "Content-Type": "application/json" },
      body: "{}",
    });
    expect(response.ok).toBe(true);
    await page.getByRole("cell").getByText("Working").waitFor();
  });

  test("removing the line needs its number typed, and importing brings it back with a preview", async () => {
    await page.getByRole("link", { name: facts.number.phone_number }).click();
    await page.getByRole("tab", { name: "Settings" }).click();
    await button("Remove the line").click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Remove the line" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill(facts.number.phone_number);
    await expectAccessible(page);
    await confirm.click();
    await page.getByText("No lines yet").waitFor();

    await button("Import a number").first().click();
    const form = page.getByRole("dialog");
    expect(await form.getByLabel("Phone number").inputValue()).toBe(facts.number.phone_number);
    await form.getByRole("button", { name: "Review the changes" }).click();
    await form.locator("[data-change]").first().waitFor();
    await expectAccessible(page);
    await form.getByRole("button", { name: "Import", exact: true }).click();
    await form.locator("[data-imported]").waitFor();
    await form.getByRole("link", { name: "Open the line" }).click();
    await page.locator('[data-healthy="true"]').waitFor();
  });

  test("nothing in all of this was an error in the browser's console", () => {
    expect(errors.unexpected()).toEqual([]);
  });
});
