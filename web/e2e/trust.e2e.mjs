// Who gets in and who does not: second factors, passkeys, invitations, suspension, sessions, passwords.
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, watchErrors } from "./checks.mjs";
import { WAIT_MS_MAX, addMember, api, startBrowser, startNamedServer } from "./product.mjs";

const NEW_PASSWORD = "another-long-passphrase";
/** How long somebody who may no longer see a page still sees it. */
const GONE_MS_MAX = 1000;

let server, browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startNamedServer(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

async function openPage(options = {}) {
  const context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce", baseURL: server.url, ...options });
  context.setDefaultTimeout(WAIT_MS_MAX);
  return context.newPage();
}

async function enter(page, { email, password }) {
  await page.locator('input[type="email"]').fill(email);
  await page.locator('input[type="password"]').fill(password);
  await page.locator('button[type="submit"]').click();
}

async function openSignedIn(member, path = "/", options) {
  const page = await openPage(options);
  await page.goto(path);
  await enter(page, member);
  await page.locator("#content").waitFor();
  return page;
}

async function signOut(page) {
  await page.getByRole("button", { name: /^Account:/ }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await signInPage(page);
}

const signInPage = (page, options) => page.getByRole("heading", { name: "Sign in", level: 1 }).waitFor(options);
const linesPage = (page) => page.getByRole("heading", { name: "Lines", level: 1 }).waitFor();

/** The code that an authenticator app shows, `ahead` steps from now (RFC 6238). */
function totp(secret, ahead = 0) {
  const bits = [...secret.replaceAll(" ", "")].map((char) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(char).toString(2).padStart(5, "0"));
  const key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Sets up an authenticator app on the account page, with a look at each step. Gives its secret and the recovery codes. */
async function addTotp(page, look = async () => {}) {
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await dialog.getByRole("img", { name: /QR code/ }).waitFor();
  await look(page);
  const secret = await dialog.getByTestId("totp-secret").textContent();
  await dialog.getByRole("textbox", { name: "Code" }).fill(totp(secret));
  await dialog.getByRole("button", { name: "Confirm" }).click();
  const shown = page.getByTestId("recovery-codes").locator("p");
  await shown.first().waitFor();
  const codes = await shown.allTextContents();
  await look(page);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Remove the app" }).waitFor();
  return { secret, codes };
}

async function answerSecondStep(page, code) {
  await page.getByRole("textbox", { name: /code/i }).fill(code);
  await page.getByRole("button", { name: "Sign in" }).click();
}

describe("second factors", () => {
  test("an authenticator app is asked for its code, and a recovery code stands in once", async () => {
    const ada = await addMember(server, { name: "Ada", role: "admin" });
    const page = await openSignedIn(ada, "/account");
    const errors = watchErrors(page);
    await page.getByRole("heading", { name: "My account", level: 1 }).waitFor();
    await expectAccessible(page);
    const { secret, codes } = await addTotp(page, expectAccessible);
    expect(codes).toHaveLength(10);
    await signOut(page);

    await enter(page, ada);
    await page.getByRole("heading", { name: "Second step" }).waitFor();
    // The password alone lets nobody in.
    expect((await page.request.get("/api/v1/session")).status()).toBe(401);
    await answerSecondStep(page, "000000");
    await page.locator('[role="alert"][data-code="second_factor_failed"]').waitFor();
    await expectAccessible(page);
    await answerSecondStep(page, totp(secret, 1));
    await linesPage(page);

    await signOut(page);
    await enter(page, ada);
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await answerSecondStep(page, codes[0]);
    await linesPage(page);
    await page.goto("/account");
    await page.getByText("9 are left.").waitFor();
    await page.getByRole("button", { name: "Remove the app" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "Set up an app" }).waitFor();
    expect(errors.unexpected()).toEqual([]);
    await page.context().close();
  });

  test("a passkey signs in without a password, and stands in for the app", async () => {
    const pia = await addMember(server, { name: "Pia", role: "viewer" });
    const page = await openSignedIn(pia, "/account");
    const errors = watchErrors(page);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
    await devtools.send("WebAuthn.addVirtualAuthenticator", { options: { ...options, automaticPresenceSimulation: true } });
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Laptop");
    await page.getByRole("dialog").getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByRole("button", { name: "Rename: Laptop" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Work laptop");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Remove: Work laptop" }).waitFor();
    await expectAccessible(page);

    await signOut(page);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await linesPage(page);
    await signOut(page);
    await enter(page, pia);
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await linesPage(page);
    expect(errors.unexpected()).toEqual([]);
    await page.context().close();
  });

  test("where one is required, its own page alone opens until it is there", async () => {
    const otto = await addMember(server, { name: "Otto", role: "owner" });
    const ned = await addMember(server, { name: "Ned", role: "agent" });
    const owner = await openSignedIn(otto, "/account");
    await addTotp(owner);
    const rule = (required) =>
      owner.request.put("/api/v1/organisation/second-factor", { data: { required }, headers: { Origin: server.url } });
    expect((await rule(true)).ok()).toBe(true);
    const page = await openSignedIn(ned);
    await page.waitForURL("**/account");
    await page.getByText("Your organisation requires a second factor").waitFor();
    await addTotp(page);
    await page.getByRole("link", { name: "Lines" }).click();
    await page.getByText("No lines yet").waitFor();
    expect((await rule(false)).ok()).toBe(true);
    await Promise.all([owner.context().close(), page.context().close()]);
  });
});

describe("invitations", () => {
  const invite = async (email) => (await api(server, "POST", "/api/v1/invitations", { email, role: "agent" })).link;

  test("somebody new makes an account by the link, which works once", async () => {
    const link = await invite("nia@example.com");
    const page = await openPage();
    await page.goto(link);
    await page.getByRole("heading", { name: "Join Acme" }).waitFor();
    await page.getByText("Root invites you as Agent").waitFor();
    await expectAccessible(page);
    await page.getByLabel("Your name").fill("Nia");
    await page.locator('input[type="password"]').fill(NEW_PASSWORD);
    await page.getByRole("button", { name: "Create my account" }).click();
    await linesPage(page);
    await page.getByRole("button", { name: "Account: Nia" }).waitFor();
    await page.goto(link);
    await page.getByRole("alert").getByText("You have not joined").waitFor();
    await page.context().close();
  });

  test("somebody known signs in and accepts, and changes between organisations", async () => {
    const bob = await addMember(server, { name: "Bob", role: "admin" });
    const olga = await openSignedIn(await addMember(server, { name: "Olga", role: "owner" }));
    await olga.getByRole("button", { name: /^Account:/ }).click();
    await olga.getByRole("button", { name: "New organisation" }).click();
    await olga.getByRole("dialog").getByLabel("Name").fill("Second Ltd");
    await expectAccessible(olga);
    await olga.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await olga.getByRole("button", { name: /^Account: Olga Second Ltd/ }).waitFor();
    const data = { email: bob.email, role: "viewer" };
    const { link } = await (await olga.request.post("/api/v1/invitations", { data, headers: { Origin: server.url } })).json();
    // She is somebody else than the invited.
    await olga.goto(link);
    await olga.getByText("you are signed in as olga@example.com").waitFor();

    const page = await openPage();
    await page.goto(link);
    await page.getByRole("link", { name: "Sign in to accept" }).click();
    await signInPage(page);
    expect(page.url()).not.toContain(link.split("/").at(-1));
    await enter(page, bob);
    await page.getByRole("button", { name: "Accept the invitation" }).click();
    // Others made his account: it has to be his own before it gets him in elsewhere.
    await page.locator('[role="alert"][data-code="address_unproved"]').waitFor();
    await expectAccessible(page);
    const reset = (await server.run("user", "reset-password", "--email", bob.email)).match(/http\S+/)[0];
    await page.goto(reset);
    await page.locator('input[type="password"]').fill(NEW_PASSWORD);
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.getByRole("link", { name: "Sign in", exact: true }).waitFor();
    await page.goto(link);
    await page.getByRole("link", { name: "Sign in to accept" }).click();
    await enter(page, { ...bob, password: NEW_PASSWORD });
    await page.getByRole("button", { name: "Accept the invitation" }).click();
    await page.getByRole("button", { name: /^Account: Bob Second Ltd/ }).waitFor();
    await page.getByRole("button", { name: /^Account:/ }).click();
    await page.getByRole("button", { name: /^Acme/ }).click();
    await page.getByRole("button", { name: /^Account: Bob Acme/ }).waitFor();
    // What happens here is heard here from now on.
    await api(server, "PATCH", "/api/v1/organisation", { name: "Acme Telephony" });
    await page.getByRole("button", { name: /^Account: Bob Acme Telephony/ }).waitFor();
    await Promise.all([olga.context().close(), page.context().close()]);
  });
});

describe("losing access", () => {
  test("a suspended member's open page goes to the sign-in page within a second", async () => {
    const sue = await addMember(server, { name: "Sue", role: "agent" });
    const page = await openSignedIn(sue);
    await linesPage(page);
    const { members } = await api(server, "GET", "/api/v1/members");
    const { id } = members.find(({ email }) => email === sue.email);
    await api(server, "PATCH", `/api/v1/members/${id}`, { suspended: true });
    await signInPage(page, { timeout: GONE_MS_MAX });
    await enter(page, sue);
    await page.locator('[role="alert"][data-code="sign_in_failed"]').waitFor();
    await page.context().close();
  });

  test("sessions elsewhere end from the account page, one or all", async () => {
    const vic = await addMember(server, { name: "Vic", role: "viewer" });
    const [here, there, elsewhere] = [await openSignedIn(vic, "/account"), await openSignedIn(vic), await openSignedIn(vic)];
    const table = here.getByRole("table", { name: "Where you are signed in" });
    await here.reload();
    await table.getByRole("button", { name: /^Sign out:/ }).nth(1).waitFor();
    await table.getByRole("button", { name: /^Sign out:/ }).first().click();
    await signInPage(elsewhere);
    await here.getByRole("button", { name: "Sign out everywhere else" }).click();
    await signInPage(there);
    await table.getByText("this one").waitFor();
    expect(await table.getByRole("button").count()).toBe(0);
    await Promise.all([here, there, elsewhere].map((page) => page.context().close()));
  });
});

describe("passwords and oneself", () => {
  test("a password is changed, and reset by a link", async () => {
    const mia = await addMember(server, { name: "Mia", role: "viewer" });
    const page = await openSignedIn(mia, "/account");
    await page.getByRole("textbox", { name: "Your password" }).fill("not this one at all");
    await page.getByRole("textbox", { name: "New password" }).fill(NEW_PASSWORD);
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.locator('[role="alert"][data-code="password_wrong"]').waitFor();
    await page.getByRole("textbox", { name: "Your password" }).fill(mia.password);
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.getByText("The password was changed").waitFor();

    const link = (await server.run("user", "reset-password", "--email", mia.email)).match(/http\S+/)[0];
    await page.goto(link);
    await page.getByRole("heading", { name: "Choose a new password" }).waitFor();
    await expectAccessible(page);
    await page.locator('input[type="password"]').fill(mia.password);
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.getByRole("link", { name: "Sign in", exact: true }).click();
    await enter(page, mia);
    await linesPage(page);
    await page.context().close();
  });

  test("without a mail server, asking for a link says who can help", async () => {
    const page = await openPage();
    await page.goto("/sign-in");
    await page.getByRole("link", { name: "Forgot password?" }).click();
    await page.getByRole("heading", { name: "Forgot your password?" }).waitFor();
    await page.getByLabel("E-mail").fill("mia@example.com");
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.locator('[role="alert"][data-code="mail_missing"]').waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  test("name, language and time zone are one's own, and French is whole", async () => {
    const zoe = await addMember(server, { name: "Zoe", role: "viewer" });
    const page = await openSignedIn(zoe, "/account", { colorScheme: "dark" });
    await page.getByRole("textbox", { name: "Your name" }).fill("Zoé");
    await page.getByRole("combobox", { name: "Time zone" }).fill("Tokyo");
    await page.getByRole("option", { name: "Asia/Tokyo" }).click();
    await page.getByRole("combobox", { name: "Language" }).click();
    await page.getByRole("option", { name: "Français" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Mon compte", level: 1 }).waitFor();
    await page.getByRole("button", { name: /^Compte.* Zoé/ }).waitFor();
    await expectAccessible(page);
    const seen = await page.locator("time").first().evaluate(({ title, dateTime }) => ({ title, dateTime }));
    expect(seen.title).toContain(new Date(seen.dateTime).toLocaleTimeString("fr", { timeZone: "Asia/Tokyo" }));
    await page.context().close();
  });

  test("a stranger's pages are in French and dark as well", async () => {
    const page = await openPage({ locale: "fr-FR", colorScheme: "dark" });
    const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.goto("/sign-in?problem=oidc_unknown");
    await heading("Connexion");
    await page.locator('[data-code="oidc_unknown"]').waitFor();
    await expectAccessible(page);
    await page.goto("/reset-password");
    await heading("Mot de passe oublié ?");
    await expectAccessible(page);
    await page.goto("/invitation/not-a-secret");
    await page.getByText("Vous n’avez pas rejoint").waitFor();
    await expectAccessible(page);
    await page.goto("/sign-in#ticket=none&methods=totp,recovery_code");
    await heading("Deuxième étape");
    await expectAccessible(page);
    await page.context().close();
  });

  // The last one: it slows this machine's address down for everybody. The page is shown an answer that was really given:
  // on a slow machine the wait is over before it asks itself.
  test("who guesses is told how long to wait", async () => {
    const page = await openPage();
    await page.goto("/sign-in");
    const guess = { email: "root@example.com", password: "guessing" };
    const guesses = Array.from({ length: 25 }, () => page.request.post("/api/v1/session", { data: guess, headers: { Origin: server.url } }));
    const refused = (await Promise.all(guesses)).find((answer) => answer.status() === 429);
    const [headers, body] = [refused.headers(), await refused.body()];
    await page.route("**/api/v1/session", (route) =>
      route.request().method() === "POST" ? route.fulfill({ status: 429, headers, body }) : route.continue());
    await enter(page, guess);
    await page.locator('[role="alert"][data-code="too_many_attempts"]').getByRole("timer").waitFor();
    await expectAccessible(page);
    await page.context().close();
  });
});
