// A server that was started for the first time, until its first member is signed in.
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, startBrowser, startServer } from "./product.mjs";

let server, browser, page, errors;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  const context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce" });
  context.setDefaultTimeout(WAIT_MS_MAX);
  page = await context.newPage();
  errors = watchErrors(page);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const field = (name) => page.getByRole("textbox", { name });

test("a wrong code creates nothing, the right one makes the owner and signs in", async () => {
  await page.goto(server.url);
  await page.getByRole("heading", { name: "Set up Dialtone" }).waitFor();
  await expectAccessible(page);
  await field("One-time code").fill("not-the-code");
  await field("Organisation").fill("Acme Telephony");
  await field("Your name").fill("Olga Owner");
  await field("E-mail").fill("olga@example.com");
  await field("Password").fill("a-long-passphrase-to-type");
  const submit = page.getByRole("button", { name: "Create and sign in" });
  await submit.click();
  await page.getByRole("alert").waitFor();
  await expectAccessible(page);

  await field("One-time code").fill(server.code);
  await submit.click();
  await page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();
  await page.getByText("Acme Telephony").waitFor();
  // Nothing is simulated here, and the page does not say so.
  expect(await page.getByText("Sandbox").count()).toBe(0);
});

test("signing out leads to sign in, and set-up is over", async () => {
  await page.getByRole("button", { name: /^Account: Olga Owner/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto(`${server.url}/setup`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await field("E-mail").fill("olga@example.com");
  await field("Password").fill("a-long-passphrase-to-type");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();
  expect(errors.unexpected()).toEqual([]);
});
