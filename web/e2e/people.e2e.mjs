// Who signs in, in which language, on which screen and with which hands.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, addMember, api, connectEverything, startBrowser, startProduct } from "./product.mjs";

let product, browser, owner, admin, linguist, viewer;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), startBrowser()]);
  owner = await addMember(product, { name: "Olga", role: "owner" });
  admin = await addMember(product, { name: "Ada", role: "admin" });
  linguist = await addMember(product, { name: "Luc", role: "admin" });
  viewer = await addMember(product, { name: "Vera", role: "viewer" });
  await connectEverything(product);
});

afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

async function openPage(options = {}) {
  const context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce", baseURL: product.url, ...options });
  context.setDefaultTimeout(WAIT_MS_MAX);
  return context.newPage();
}

async function signIn(page, member, path = "/") {
  await page.goto(path);
  await page.locator('input[type="email"]').fill(member.email);
  await page.locator('input[type="password"]').fill(member.password);
  await page.locator('button[type="submit"]').click();
  await page.locator("#content").waitFor();
}

describe("signing in", () => {
  test("a wrong password is refused in words, the right one leads to where one wanted to go", async () => {
    const page = await openPage();
    await page.goto("/settings/vapi");
    await page.getByLabel("E-mail").fill(admin.email);
    await page.getByRole("textbox", { name: "Password" }).fill("not this one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator('[role="alert"][data-code="sign_in_failed"]').waitFor();
    await expectAccessible(page);
    await page.getByRole("textbox", { name: "Password" }).fill(admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/settings/vapi");
    await page.context().close();
  });

  test("works with the keyboard alone", async () => {
    const page = await openPage();
    await page.goto("/");
    await page.getByLabel("E-mail").waitFor();
    await page.keyboard.type(admin.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(admin.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.className)).toContain("skip-link");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    await page.context().close();
  });

  test("never leads to another site", async () => {
    const page = await openPage();
    await signIn(page, admin, "/sign-in?next=//example.com/x");
    expect(new URL(page.url()).origin).toBe(product.url);
    await page.context().close();
  });
});

describe("languages (F1)", () => {
  test("the browser's language is used until the member chooses one, and errors speak it too", async () => {
    const page = await openPage({ locale: "fr-FR" });
    await page.goto("/sign-in");
    await page.getByRole("heading", { name: "Connexion" }).waitFor();
    await page.getByLabel("E-mail").fill(viewer.email);
    await page.getByRole("textbox", { name: "Mot de passe" }).fill("faux");
    await page.getByRole("button", { name: "Se connecter" }).click();
    const alert = page.locator('[role="alert"][data-code="sign_in_failed"]');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/mot de passe/i);
    expect(await page.locator("html").getAttribute("lang")).toBe("fr");
    await page.context().close();
  });

  test("a chosen language wins over the browser's, in the pages and in the server's words", async () => {
    const page = await openPage();
    const errors = watchErrors(page);
    await signIn(page, linguist);
    await page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();
    await page.getByRole("button", { name: /^Account: Luc/ }).click();
    await expectAccessible(page);
    await page.getByText("Français").click();
    await page.getByRole("heading", { name: "Lignes", level: 1 }).waitFor();
    for (const path of ["/lines", "/assistants", "/settings/twilio", "/settings/members", "/settings/tokens"]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator("[aria-busy]").waitFor({ state: "detached" });
      await expectAccessible(page);
    }
    await page.goto("/lines");
    await page.getByRole("cell").getByRole("link").first().click();
    await page.getByText("Tout est au vert").waitFor();
    expect(await page.locator("[data-check]").first().textContent()).not.toMatch(/accepts? the/i);
    expect(errors.unexpected()).toEqual([]);
    await page.context().close();
  });
});

describe("roles", () => {
  test("a viewer sees why a button does nothing", async () => {
    const page = await openPage();
    await signIn(page, viewer);
    const button = page.getByRole("button", { name: "Import a number" });
    expect(await button.getAttribute("aria-disabled")).toBe("true");
    await button.hover();
    await page.getByRole("tooltip").getByText("Viewer").waitFor();
    await button.click({ force: true });
    expect(await page.getByRole("dialog").count()).toBe(0);
    await expectAccessible(page);
    await page.context().close();
  });

  test("a member and a token are made, each secret is shown once, and both are removed", async () => {
    const page = await openPage();
    await signIn(page, admin, "/settings/members");
    await page.getByRole("button", { name: "Add a member" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Mia");
    await dialog.getByLabel("E-mail").fill("mia@example.com");
    await dialog.getByRole("button", { name: "Add a member" }).click();
    expect((await dialog.getByTestId("secret").textContent())?.length).toBeGreaterThan(11);
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Remove: Mia" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "Remove: Mia" }).waitFor({ state: "detached" });

    await page.getByRole("tab", { name: "API tokens" }).click();
    await page.getByRole("button", { name: "Create a token" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Pipeline");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    const secret = await page.getByTestId("secret").textContent();
    expect(secret).toMatch(/^dt_/);
    await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
    await page.getByRole("cell", { name: /^Pipeline/ }).waitFor();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "Remove: Pipeline" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("cell", { name: /^Pipeline/ }).waitFor({ state: "detached" });
    await page.context().close();
  });

  test("the organisation's settings are saved", async () => {
    const page = await openPage();
    await signIn(page, owner, "/settings/organisation");
    await page.getByLabel("Name").fill("Acme Telephony");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved").waitFor();
    const { organisation } = await api(product, "GET", "/api/v1/organisation");
    expect(organisation.name).toBe("Acme Telephony");
    await expectAccessible(page);
    await page.context().close();
  });
});

describe("screens", () => {
  test("a phone shows cards, a menu, and nothing that scrolls sideways", async () => {
    const page = await openPage({ viewport: { width: 375, height: 720 }, hasTouch: true });
    await signIn(page, admin);
    await page.getByRole("cell").getByRole("link").first().waitFor();
    for (const path of ["/lines", "/assistants", "/settings/twilio", "/settings/members"]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator("[aria-busy]").waitFor({ state: "detached" });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `sideways scroll on ${path}`).toBeLessThanOrEqual(0);
    }
    await page.getByRole("button", { name: "Open the menu" }).click();
    await page.getByRole("link", { name: "Lines", exact: true }).click();
    await page.waitForURL("**/lines");
    await page.getByRole("cell").getByRole("link").first().click();
    await page.locator('[data-healthy="true"]').waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  test("the dark theme is as readable as the light one", async () => {
    const page = await openPage({ colorScheme: "dark" });
    await signIn(page, admin);
    await page.getByRole("cell").getByRole("link").first().waitFor();
    expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe("dark");
    await expectAccessible(page);
    await page.getByRole("cell").getByRole("link").first().click();
    await page.locator('[data-healthy="true"]').waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  test("the API documentation is a page of ours, without a stranger's address", async () => {
    const page = await openPage();
    const hosts = new Set();
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    await page.goto("/api/docs");
    await page.locator(".opblock").first().waitFor();
    expect([...hosts]).toEqual([new URL(product.url).host]);
    await page.context().close();
  });
});
