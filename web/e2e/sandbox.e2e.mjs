// The sandbox's own page, played by a person: phones, both providers, the log, breaking things, time.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, startBrowser, startProduct } from "./product.mjs";

const US = "+14155552671";
/** One pixel. */
const PICTURE = "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==";
const NASTY = '<img src="x" onerror="document.title=1">';

let product, browser, context, page, errors, state;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), startBrowser()]);
  context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce" });
  context.setDefaultTimeout(WAIT_MS_MAX);
  page = await context.newPage();
  errors = watchErrors(page);
  state = await sandbox("GET", "/sandbox/state");
});

afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

const button = (name) => page.getByRole("button", { name, exact: true });
const outcome = (name) => page.locator(`article[data-outcome="${name}"]`).first();
const item = (id) => page.locator(`[data-break="${id}"]`);

/** A request to the sandbox as a program sends it; fails when it is refused. */
async function sandbox(method, path, body, headers = {}) {
  const answer = await fetch(product.sandbox_url + path, {
    method,
    headers: { ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const vapi = (method, path, body) =>
  sandbox(method, `/vapi${path}`, body, { Authorization: `Bearer ${state.orgs[0].private_key}` });

/** A number of the first account texts the first phone. */
function text(from, words) {
  const [{ sid, auth_token }] = state.accounts;
  return fetch(`${product.sandbox_url}/twilio/api/2010-04-01/Accounts/${sid}/Messages.json`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${sid}:${auth_token}`)}` },
    body: new URLSearchParams({ From: from, To: "+14155550100", Body: words }),
  });
}

async function open(name) {
  await page.goto(`${product.sandbox_url}/sandbox#/${name}`);
  await page.locator("html[data-ready]").waitFor();
}

async function call() {
  await button("Call").click();
  await page.locator("[aria-busy]").waitFor({ state: "detached" });
}

/** Waits until a place of the state has this value: the page asks for it by itself. */
const shown = (row, code) => page.locator(`tr[data-number="${row}"] [data-code="${code}"]`).waitFor();

describe("phones", () => {
  test("a call to a number that Vapi does not know is explained in plain words", async () => {
    await open("phones");
    await call();
    await outcome("not_found").getByText("Phone number not found.").waitFor();
    await outcome("not_found").getByText("no Vapi organisation has it").waitFor();
    await expectAccessible(page);
  });

  test("the providers' view says so too, and once imported the assistant answers", async () => {
    await open("providers");
    await shown(US, "unknown_to_vapi");
    await expectAccessible(page);
    const [account] = state.accounts;
    const assistant = await vapi("POST", "/assistant", { name: NASTY.slice(0, 40), firstMessage: NASTY });
    await vapi("POST", "/phone-number", {
      provider: "twilio",
      number: US,
      twilioAccountSid: account.sid,
      twilioAuthToken: account.auth_token,
      assistantId: assistant.id,
    });
    await page.locator(`tr[data-number="${US}"] .pill.good`).waitFor();
    await open("phones");
    await page.getByLabel("What you say (optional)").fill("Hello, I need an appointment.");
    await call();
    await outcome("answered").locator(".said").getByText("Hello, I need an appointment.").waitFor();
  });

  test("what providers' programs send is text, never part of the page", async () => {
    await outcome("answered").getByText(NASTY).first().waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.title()).not.toBe("1");
  });

  test("texts and pictures go both ways, and what did not arrive says why", async () => {
    await page.getByLabel("Your text").fill("May I come on Thursday?");
    const picture = Buffer.from(PICTURE, "base64");
    await page.locator("#pictures").setInputFiles({ name: "a.gif", mimeType: "image/gif", buffer: picture });
    await button("Send").click();
    const mine = page.locator("li.mine").last();
    await mine.getByText("May I come on Thursday?").waitFor();
    await mine.getByRole("img", { name: "Picture" }).waitFor();
    await mine.getByText(/^\d\d:\d\d · delivered/).waitFor();
    const theirs = (words) => page.locator("li.theirs").filter({ hasText: words });
    await text(US, "Thursday is fine.");
    await theirs("Thursday is fine.").getByText("the US number is not registered for texting").waitFor();
    await sandbox("POST", "/sandbox/registrations", { phone_number: US });
    await text(US, "Is Friday fine too?");
    await theirs("Is Friday fine too?").getByText(/^\d\d:\d\d$/).waitFor();
    await expectAccessible(page);
  });

  test("phones are remembered, with how they behave", async () => {
    await page.getByText("About this phone").click();
    await page.getByLabel("When it is called").selectOption("busy");
    await page.getByText("is busy,").waitFor();
    await button("Add a phone").click();
    await page.getByRole("button", { name: "+14155550101" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "+14155550101", pressed: true }).waitFor();
    const { phones } = await sandbox("GET", "/sandbox/state");
    expect(phones["+14155550100"].behaviour.on_call).toBe("busy");
  });

  test("the keyboard alone places a call", async () => {
    const number = page.getByLabel("Number to call or text");
    await number.fill("+33999999999");
    await number.press("Tab");
    await button("Call").focus();
    await page.keyboard.press("Enter");
    await outcome("no_such_number").waitFor();
  });
});

describe("the log", () => {
  test("it shows what arrived, with what nobody knew, and finds it", async () => {
    await vapi("GET", "/assistant");
    const [account] = state.accounts;
    const path = `/twilio/api/2010-04-01/Accounts/${account.sid}/IncomingPhoneNumbers.json?PhoneNumbr=1`;
    await sandbox("GET", path, undefined, { Authorization: `Basic ${btoa(`${account.sid}:${account.auth_token}`)}` });
    await open("log");
    await page.getByLabel("Search").fill("PhoneNumbr");
    const entry = page.locator(".log > li").first();
    await entry.getByText("1 remark").waitFor();
    await entry.locator("summary").click();
    await entry.locator(".unknown").getByText("PhoneNumbr").waitFor();
    await entry.getByText('"incoming_phone_numbers"').waitFor();
    expect(await page.locator(".log > li").count()).toBe(1);
    await expectAccessible(page);
  });

  test("it stays quick with thousands of entries, and stands still when paused", async () => {
    const many = Array.from({ length: 3000 }, (_, index) => index);
    for (let from = 0; from < many.length; from += 100) {
      await Promise.all(many.slice(from, from + 100).map((index) => vapi("GET", `/assistant?limit=${index % 90}`)));
    }
    await page.getByLabel("Search").fill("");
    await page.getByText(/^3,0\d\d entries$/).waitFor();
    expect(await page.locator(".log > li").count()).toBe(200);
    const took = await page.evaluate(() => {
      const search = document.querySelector('input[type="search"]');
      const start = performance.now();
      search.value = "limit";
      search.dispatchEvent(new Event("input"));
      return performance.now() - start;
    });
    expect(took).toBeLessThan(1000);
    await button("Pause").click();
    await vapi("GET", "/assistant");
    await page.getByText(/paused, [1-9]/).waitFor();
    await button("Go on").click();
  });
});

describe("breaking things", () => {
  test("each break happens, can be taken back, and shows its call", async () => {
    await open("break");
    await item("suspend").getByRole("button", { name: "Suspend" }).click();
    await item("suspend").getByRole("button", { name: "Undo" }).waitFor();
    const status = async () => (await sandbox("GET", "/sandbox/state")).accounts[0].status;
    expect(await status()).toBe("suspended");
    await item("suspend").getByRole("button", { name: "Undo" }).click();
    await item("suspend").getByRole("button", { name: "Undo" }).waitFor({ state: "detached" });
    expect(await status()).toBe("active");
    await item("suspend").getByText("Show as curl").click();
    await item("suspend").getByText('{"status":"suspended"}').waitFor();
    await expectAccessible(page);
  });

  test("a trunk hides the voice URL, and a deleted assistant stays linked", async () => {
    await item("trunk").getByRole("button", { name: "Attach" }).click();
    await item("trunk").getByRole("button", { name: "Undo" }).waitFor();
    await item("delete_assistant").getByRole("button", { name: "Delete" }).click();
    await item("delete_assistant").getByRole("button", { name: "Delete", disabled: true }).waitFor();
    await open("providers");
    await shown(US, "trunk_without_url");
    await shown(US, "assistant_deleted");
  });

  test("a fault waits for the next request, and is gone when it has happened", async () => {
    await open("break");
    await button("Switch on: Too many requests (429)").click();
    await page.getByText("1 fault is waiting").waitFor();
    await expect(vapi("GET", "/assistant")).rejects.toThrow("429");
    await page.getByText("1 fault is waiting").waitFor({ state: "detached" });
  });

  test("everything can be reset, and it asks first", async () => {
    await button("Reset").click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect((await sandbox("GET", "/sandbox/state")).orgs[0].phone_numbers).toHaveLength(1);
    await button("Reset").click();
    await page.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
    await page.getByText("as at the start", { exact: false }).last().waitFor();
    expect((await sandbox("GET", "/sandbox/state")).orgs[0].phone_numbers).toHaveLength(0);
    await open("log");
    await page.getByText("Nothing has arrived yet.").waitFor();
  });
});

describe("time", () => {
  test("the clock is moved on, and stands with a seed", async () => {
    await open("time");
    await page.getByLabel("Seed", { exact: true }).fill("7");
    await button("Begin anew").click();
    await page.getByRole("dialog").getByRole("button", { name: "Begin anew" }).click();
    await page.getByText("Thursday, January 1, 2026").waitFor();
    await button("1 hour").click();
    await page.getByRole("timer").getByText("01:00:00").waitFor();
    await page.locator(".clock").getByText("standing").waitFor();
    await expectAccessible(page);
  });
});

describe("scenarios", () => {
  test("a day is played at once, and says what came of it", async () => {
    await button("Example: a clinic").click();
    await expect.poll(() => page.getByLabel("Scenario (JSON)").inputValue()).toContain("clinic");
    await page.getByLabel("Seed (optional)").fill("7");
    await page.getByLabel("Play the whole day at once").check();
    await button("Play").click();
    await page.getByText(/[1-9]\d* events/).first().waitFor({ timeout: 60_000 });
    await page.locator(".pill").getByText("over").waitFor();
    await expectAccessible(page);
  });
});

describe("saved states", () => {
  test("a saved state comes back to the letter", async () => {
    const saved = await (await fetch(`${product.sandbox_url}/sandbox/snapshot`)).text();
    await sandbox("POST", "/sandbox/reset", { seed: 7 });
    await page.locator("#snapshot").setInputFiles({ name: "s.json", mimeType: "application/json", buffer: Buffer.from(saved) });
    await page.getByRole("dialog").getByRole("button", { name: "Load a file" }).click();
    await page.getByText("The saved state is back.").waitFor();
    expect(await (await fetch(`${product.sandbox_url}/sandbox/snapshot`)).text()).toBe(saved);
  });
});

describe("everybody", () => {
  test("the page speaks French, and remembers it", async () => {
    await page.getByLabel("Language").selectOption("fr");
    await page.getByRole("heading", { name: "Temps et états" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Temps et états" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("fr");
    const french = await browser.newContext({ locale: "fr-FR" });
    const other = await french.newPage();
    await other.goto(`${product.sandbox_url}/sandbox`);
    await other.getByRole("heading", { name: "Téléphones" }).waitFor();
    await french.close();
  });

  test.each([
    ["light", 390],
    ["dark", 390],
    ["dark", 1280],
  ])("every view is accessible and fits: %s, %d pixels wide", async (colorScheme, width) => {
    const small = await browser.newContext({
      locale: "fr-FR",
      colorScheme,
      viewport: { width, height: 844 },
      reducedMotion: "reduce",
    });
    small.setDefaultTimeout(WAIT_MS_MAX);
    const phone = await small.newPage();
    for (const view of ["phones", "providers", "log", "break", "time"]) {
      await phone.goto(`${product.sandbox_url}/sandbox#/${view}`);
      await phone.locator("html[data-ready]").waitFor();
      await expectAccessible(phone);
      expect(await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth), view).toBeLessThanOrEqual(
        0,
      );
    }
    await small.close();
  });

  test("a page of another site cannot read or change the sandbox", async () => {
    const stranger = await context.newPage();
    await stranger.goto(`${product.url}/healthz`);
    const read = (method) =>
      stranger.evaluate(
        ([url, method]) =>
          fetch(url, { method }).then(
            ({ status }) => status,
            () => "refused",
          ),
        [`${product.sandbox_url}/sandbox/reset`, method],
      );
    expect(await read("POST")).toBe("refused");
    expect(await read("GET")).toBe("refused");
    const { seed } = await sandbox("GET", "/sandbox/state");
    expect(seed, "nothing was reset").toBe(7);
    await stranger.close();
  });

  test("nothing in the page reported an error", () => {
    expect(errors.unexpected()).toEqual([]);
  });
});
