// Starts the built product and a real Chromium in front of it.
import { execFile, spawn } from "node:child_process";
import { copyFileSync, createWriteStream, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const BINARY = process.env.DIALTONE_BIN ?? fileURLToPath(new URL("../../target/debug/dialtone", import.meta.url));
const ANY_PORT = "127.0.0.1:0";
const START_MS_MAX = 30_000;
/** How long a test waits for a state of the page before it fails. */
export const WAIT_MS_MAX = 10_000;
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The running demo: its addresses as `dialtone demo -o json` prints them, and `stop()`. */
export async function startProduct() {
  return startDemo(newFolder());
}

/** The demo again, restored from a backup of the one that is running: it is held back until somebody lets it go. */
export async function startRestored({ dataDir: original }) {
  const dataDir = newFolder();
  await run("backup", "create", "--data-dir", original);
  const [backup] = readdirSync(join(original, "backups"));
  await run("backup", "restore", "--data-dir", dataDir, join(original, "backups", backup));
  copyFileSync(join(original, "master.key"), join(dataDir, "master.key"));
  return startDemo(dataDir);
}

async function startDemo(dataDir) {
  const { find, stop } = launch("demo", ["--listen", ANY_PORT, "-o", "json", "--sandbox-listen", ANY_PORT], dataDir);
  return { ...JSON.parse(await find(() => true)), stop, dataDir };
}

/** A new server that nobody has signed in to: its address, the one-time code that it printed, and `stop()`. */
export async function startServer() {
  const { find, stop } = launch("serve", ["--listen", ANY_PORT]);
  const line = await find((text) => text.includes("code:"));
  return { url: line.match(/http:\/\/[\d.:]+/)[0], code: line.split(" ").at(-1), stop };
}

/**
 * A server that browsers reach by a name, without which there are no passkeys: its address, a token of its owner, and
 * `run()`, which runs the program beside it on the same data.
 */
export async function startNamedServer() {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const addresses = ["--listen", `127.0.0.1:${port}`, "--public-url", url];
  const { find, stop, dataDir } = launch("serve", addresses);
  const code = (await find((text) => text.includes("code:"))).split(" ").at(-1);
  const post = (path, body, cookie = "") =>
    fetch(url + path, {
      method: "POST",
      headers: { Origin: url, Cookie: cookie, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const person = { name: "Root", email: "root@example.com", password: "a-long-passphrase-to-type" };
  const setUp = await post("/api/v1/setup", { code, organisation: "Acme", country: "FR", language: "en", ...person });
  const cookie = setUp.headers.getSetCookie().map((text) => text.split(";")[0]).join("; ");
  const token = await post("/api/v1/tokens", { name: "Tests", role: "owner" }, cookie);
  const beside = (...words) => run(...words, ...addresses, "--data-dir", dataDir);
  return { url, api_token: (await token.json()).secret, run: beside, stop };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const newFolder = () => mkdtempSync(join(tmpdir(), "dialtone-e2e-"));

/** What the program prints that does its work and ends. */
const run = async (...words) => (await promisify(execFile)(BINARY, words)).stdout;

function launch(command, options, dataDir = newFolder()) {
  const child = spawn(BINARY, [command, "--data-dir", dataDir, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Beside the logs of all other tests, so that they are searched for secrets too.
  const logDir = process.env.DIALTONE_TEST_LOG_DIR;
  child.stderr.pipe(logDir ? createWriteStream(join(logDir, `web-${child.pid}.log`)) : process.stderr);
  const stop = async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.kill("SIGTERM")) await gone;
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { find: (wanted) => firstLine(child, wanted), stop, dataDir };
}

function firstLine(child, wanted) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the program did not get ready")), START_MS_MAX);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the program ended with ${code}`)));
    createInterface(child.stdout).on("line", (line) => {
      if (!wanted(line)) return;
      clearTimeout(late);
      resolve(line);
    });
  });
}

export function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: CHROMIUM_FLAGS });
}

/** The demo's API, called as a script would. */
export async function api(product, method, path, body) {
  const response = await fetch(product.url + path, {
    method,
    headers: { Authorization: `Bearer ${product.api_token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** What the sandbox knows: the Twilio account with a French number, that number, and the Vapi organisation. */
export async function sandboxFacts(product) {
  const state = await (await fetch(`${product.sandbox_url}/sandbox/state`)).json();
  const french = ({ phone_number }) => phone_number.startsWith("+33");
  const account = state.accounts.find(({ numbers }) => numbers.some(french));
  const number = account.numbers.find(french);
  return { account, number, org: state.vapi.orgs[0] };
}

/** Someone edits the number in the Twilio console. */
export async function editAtTwilio(product, { account, number }, fields) {
  const path = `/twilio/api/2010-04-01/Accounts/${account.sid}/IncomingPhoneNumbers/${number.sid}.json`;
  const response = await fetch(product.sandbox_url + path, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${account.sid}:${account.auth_token}`)}` },
    body: new URLSearchParams(fields),
  });
  if (!response.ok) throw new Error(`editing the number: ${response.status} ${await response.text()}`);
}

/** A member with a known password, for signing in by hand. */
export async function addMember(product, { name, role }) {
  const member = { name, role, email: `${name.toLowerCase()}@example.com`, password: "a-long-passphrase-to-type" };
  await api(product, "POST", "/api/v1/members", member);
  return member;
}

/** Brings the demo to a working line, by the API. */
export async function connectEverything(product) {
  const { account, number, org } = await sandboxFacts(product);
  await api(product, "PUT", "/api/v1/vapi-settings", { api_key: org.private_key });
  await api(product, "POST", "/api/v1/assistants", {
    name: "Reception",
    first_message: "Hello, thank you for calling. How can I help?",
  });
  await api(product, "PUT", "/api/v1/twilio-settings", {
    account_sid: account.sid,
    auth_token: account.auth_token,
    phone_number: number.phone_number,
  });
}
