// What the state of both providers means: where a number's calls and texts go, and where the two disagree.
// Pure functions over the state, so that they can be tested without a page.

const VAPI_INBOUND = ["/twilio/inbound_call", "/call/twilio"];
/** The installations of Vapi that the sandbox plays, by host. */
const REGIONS = { "api.vapi.ai": "us", "api.eu.vapi.ai": "eu" };

const set = (value) => value !== null && value !== undefined && value !== "";

function parts(url) {
  try {
    const { hostname, pathname } = new URL(url);
    return { host: hostname, path: pathname };
  } catch {
    return { host: "", path: "" };
  }
}

const ofVapi = (host) => host === "vapi.ai" || host.endsWith(".vapi.ai");

/** What a web address is to Twilio: `{kind, url}`, and for Vapi the `region`. */
function site(url, vapiPaths) {
  if (!set(url)) return { kind: "none" };
  const { host, path } = parts(url);
  if (host === "demo.twilio.com") return { kind: "demo", url };
  if (!ofVapi(host) || !vapiPaths.includes(path)) return { kind: "url", url };
  return REGIONS[host] ? { kind: "vapi", url, region: REGIONS[host] } : { kind: "other_vapi", url };
}

/** Where a number's calls go: the trunk wins over the application, and that over the address (T6). */
export function voiceRoute(number, state) {
  if (set(number.trunk_sid)) {
    const trunk = state.trunks.find(({ sid }) => sid === number.trunk_sid);
    const sip = (trunk?.origination_urls ?? []).find(({ enabled }) => enabled)?.sip_url;
    return { kind: "trunk", sid: number.trunk_sid, url: sip };
  }
  if (set(number.voice_application_sid)) {
    const application = Object.values(state.applications).find(({ sid }) => sid === number.voice_application_sid);
    if (!application) return { kind: "lost_application", sid: number.voice_application_sid };
    return {
      ...site(application.voice_url, VAPI_INBOUND),
      method: application.voice_method,
      application: application.sid,
    };
  }
  return { ...site(number.voice_url, VAPI_INBOUND), method: number.voice_method };
}

/** Where its texts go: the messaging service wins, then the application, then the address. */
export function textRoute(number, state) {
  const service = (state.services ?? []).find(({ senders }) => senders.includes(number.phone_number));
  if (service) return { kind: "service", sid: service.sid };
  if (set(number.sms_application_sid)) {
    const application = Object.values(state.applications).find(({ sid }) => sid === number.sms_application_sid);
    if (!application) return { kind: "lost_application", sid: number.sms_application_sid };
    return { ...site(application.sms_url, ["/twilio/sms"]), application: application.sid };
  }
  return site(number.sms_url, ["/twilio/sms"]);
}

/** The entries of this number in Vapi, each with its org and assistant. */
export function inVapi(phone, state) {
  return state.orgs.flatMap((org) =>
    org.phone_numbers
      .filter(({ number }) => number === phone)
      .map((entry) => ({ org, entry, assistant: org.assistants.find(({ id }) => id === entry.assistantId) })),
  );
}

const hasServer = (entry) => set(entry.server?.url) || set(entry.serverUrl);
const answered = (entry) => set(entry.assistantId) || set(entry.squadId) || set(entry.workflowId) || hasServer(entry);

/** What is wrong at a number, worst first: `{code, tone, …}`. Nothing when both sides agree. */
export function disagreements(number, state) {
  const account = state.accounts.find(({ sid }) => sid === number.account_sid);
  const voice = voiceRoute(number, state);
  const known = inVapi(number.phone_number, state);
  const reached = ({ org }) => voice.kind === "vapi" && org.region === voice.region;
  const lost = voice.kind === "vapi" && !known.some(reached);
  const found = [];
  const add = (holds, code, given = {}, tone = "bad") => holds && found.push({ code, tone, ...given });
  add(account && account.status !== "active", "account_inactive", { status: account?.status });
  add(voice.kind === "lost_application", "lost_application", { sid: voice.sid });
  add(voice.kind === "trunk" && !voice.url, "trunk_without_url", { sid: voice.sid });
  add(voice.kind === "none", "no_voice_url");
  add(voice.kind === "other_vapi" || (lost && known.length > 0), "other_region", { url: voice.url });
  add(voice.kind === "vapi" && voice.method === "GET", "wrong_method");
  add(lost && known.length === 0, "unknown_to_vapi");
  add(known.length > 1, "twice_in_vapi", { count: known.length });
  for (const { org, entry, assistant } of known) {
    const bypassed = ["demo", "url", "none", "other_vapi"].includes(voice.kind);
    add(bypassed, "vapi_waits", { org: org.name }, "warn");
    add(set(entry.assistantId) && !assistant, "assistant_deleted", { id: entry.assistantId });
    add(!answered(entry), "no_assistant");
    const stored = entry.twilioAuthToken;
    const stale =
      account &&
      set(stored) &&
      entry.twilioAccountSid === account.sid &&
      ![account.auth_token, account.secondary_auth_token].includes(stored);
    add(stale, "stale_token", { org: org.name }, "warn");
  }
  return found;
}

/** Numbers that Vapi imported from Twilio, and no Twilio account owns any more. */
export function orphans(state) {
  const owned = new Set(state.numbers.map(({ phone_number }) => phone_number));
  return state.orgs.flatMap((org) =>
    org.phone_numbers
      .filter(({ provider, number }) => provider === "twilio" && !owned.has(number))
      .map((entry) => ({ org, entry })),
  );
}
