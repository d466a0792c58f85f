// What the page knows of the sandbox: the state, and both logs, read on every second.
import { get } from "./api.mjs";

const KEPT_MAX = 5000;
const PAGE = 500;
const LOG_MS = 1000;
/** The state is asked for when something happened, and now and then, since time changes it too. */
const STATE_MS = 4000;
/** A large state is asked for less often. */
const LARGE_CHARS = 1_000_000;
const LARGE_STATE_MS = 20_000;

const listeners = new Set();
const logs = {
  requests: { path: "requests", last: 0, entry: request },
  webhooks: { path: "webhooks", last: 0, entry: webhook },
};

export const store = {
  state: undefined,
  /** Requests and webhooks by time, oldest first. */
  entries: [],
  /** What strict mode found, by the number of the request. */
  violations: new Map(),
  strict: { enabled: false, refuse: false },
  alive: true,
  /** How far the sandbox's clock was, and when that was seen. */
  clock: undefined,
  /** Counts resets: everything that was shown before is gone. */
  era: 0,
};

export function subscribe(listener) {
  listeners.add(listener);
}

const tell = () => listeners.forEach((listener) => listener());

/** The sandbox's time now, as milliseconds. */
export function now() {
  if (!store.clock) return undefined;
  return store.clock.at + (performance.now() - store.clock.seen) * store.clock.speed;
}

export function setClock({ now: at, speed }) {
  store.clock = { at: Date.parse(at), speed, seen: performance.now() };
}

let stateText = "";
let stateAt = -Infinity;

/** Asks for the state now: after everything that the page did itself. */
export async function refresh() {
  try {
    const state = await get("state");
    stateAt = performance.now();
    stateText = JSON.stringify(state);
    store.state = state;
    setClock(state.clock);
    store.alive = true;
  } catch {
    store.alive = false;
  }
  tell();
}

function stateIsOld() {
  return performance.now() - stateAt > (stateText.length > LARGE_CHARS ? LARGE_STATE_MS : STATE_MS);
}

/** Reads both logs on. Returns whether anything was new. */
async function readLogs() {
  let fresh = [];
  for (const log of Object.values(logs)) {
    for (;;) {
      const answer = await get(`${log.path}?after=${log.last}&limit=${PAGE}`);
      if (answer.last < log.last) return forget();
      const entries = answer[log.path].map(log.entry);
      if (entries.length === 0) break;
      log.last = entries.at(-1).seq;
      fresh.push(...entries);
      if (entries.length < PAGE) break;
    }
  }
  if (fresh.length === 0) return false;
  if (store.strict.enabled) await readViolations();
  // What a provider sends was caused by what it was asked: equal times keep that order.
  store.entries = [...store.entries, ...fresh]
    .sort((a, b) => a.time - b.time || a.order - b.order || a.seq - b.seq)
    .slice(-KEPT_MAX);
  return true;
}

/** Whether requests and answers are held against the providers' descriptions, and what was found. */
export async function readStrict() {
  store.strict = await get("strict");
  if (store.strict.enabled) await readViolations();
}

async function readViolations() {
  const { violations } = await get("violations");
  const found = new Map();
  for (const { seq, path, of, place, sentence } of violations) {
    const key = `${seq} ${path}`;
    found.set(key, [...(found.get(key) ?? []), `${of}, ${place}: ${sentence}`]);
  }
  store.violations = found;
}

/** The sandbox began anew: another start, a reset, a loaded state. */
export function forget() {
  for (const log of Object.values(logs)) log.last = 0;
  store.entries = [];
  store.violations = new Map();
  store.era += 1;
  return true;
}

function request(entry) {
  const [, area] = entry.path.split("/");
  return {
    id: `r${entry.seq}`,
    seq: entry.seq,
    kind: "request",
    order: 0,
    time: Date.parse(entry.at),
    at: entry.at,
    provider: area === "vapi-eu" ? "vapi" : area,
    method: entry.method,
    target: entry.path,
    status: entry.status,
    entry,
  };
}

function webhook(entry) {
  return {
    id: `w${entry.seq}`,
    seq: entry.seq,
    kind: "webhook",
    order: 1,
    time: Date.parse(entry.at),
    at: entry.at,
    provider: entry.provider,
    method: entry.method,
    target: entry.url,
    status: entry.status ?? null,
    entry,
  };
}

/** The last numbers of both logs, to find later what came after. */
export const mark = () => ({ requests: logs.requests.last, webhooks: logs.webhooks.last });

export async function readNow() {
  await readLogs();
  await refresh();
}

/** Looks as long as the page is open and seen. */
export async function watch() {
  for (;;) {
    if (!document.hidden) {
      try {
        const news = await readLogs();
        if (news || stateIsOld() || !store.alive) await refresh();
      } catch {
        store.alive = false;
        tell();
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOG_MS));
  }
}
