// What can be broken, as data: for each break its calls, and the calls that mend it. Pure functions of what
// was chosen, so that they can be tested without a page.
import { control, twilio, vapi } from "./api.mjs";

const VAPI_URL = "https://api.vapi.ai/twilio/inbound_call";
const NUMBERS = (account, number) => `api/2010-04-01/Accounts/${account.sid}/IncomingPhoneNumbers/${number.sid}.json`;

/** What a break is about: the number chosen, its Twilio account, its entry in Vapi with org and assistant. */
export function subject(state, phone) {
  const number = state.numbers.find(({ phone_number }) => phone_number === phone) ?? state.numbers[0];
  const account = state.accounts.find(({ sid }) => sid === number?.account_sid) ?? state.accounts[0];
  const known = state.orgs.flatMap((org) =>
    org.phone_numbers.filter((entry) => entry.number === number?.phone_number).map((entry) => ({ org, entry })),
  );
  const { org = state.orgs[0], entry } = known[0] ?? {};
  const assistant = org?.assistants.find(({ id }) => id === entry?.assistantId);
  return { number, account, org, entry, assistant };
}

const edit = ({ account, number }, form) => number && twilio(account, "POST", NUMBERS(account, number), form);
const account = ({ account: { sid } }, change) => control("POST", `accounts/${sid}`, change);

/**
 * `{id, group, calls, undo?, input?}` for each. Without `calls` it makes no sense now. A `{sid}` in a later
 * call is the SID that the first one answered.
 */
export function breaks(about, inputs) {
  const { number, account: owner, org, entry, assistant } = about;
  const suspended = owner?.status !== "active";
  return [
    { id: "revoke_key", group: "access", calls: org && [control("POST", `orgs/${org.id}`, { rotate_keys: true })] },
    { id: "rotate_token", group: "access", calls: owner && [account(about, { rotate_token: true })] },
    {
      id: "suspend",
      group: "access",
      calls: owner && !suspended && [account(about, { status: "suspended" })],
      undo: owner && [account(about, { status: "active" })],
    },
    {
      id: "no_money",
      group: "access",
      calls: owner && [account(about, { balance: "0.00" })],
      undo: owner && [account(about, { balance: owner.balance })],
    },
    {
      id: "voice_url",
      group: "number",
      input: { name: "voice_url", start: "https://example.com/voice" },
      calls: number && [edit(about, { VoiceUrl: inputs.voice_url })],
      undo: number && [edit(about, { VoiceUrl: number.voice_url ?? VAPI_URL })],
    },
    {
      id: "voice_empty",
      group: "number",
      calls: number && [edit(about, { VoiceUrl: "" })],
      undo: number && [edit(about, { VoiceUrl: number.voice_url ?? VAPI_URL })],
    },
    {
      id: "voice_get",
      group: "number",
      calls: number && [edit(about, { VoiceMethod: "GET" })],
      undo: number && [edit(about, { VoiceMethod: number.voice_method ?? "POST" })],
    },
    {
      id: "trunk",
      group: "number",
      calls: number && [
        twilio(owner, "POST", "trunking/v1/Trunks", { FriendlyName: "Broken on purpose" }),
        edit(about, { TrunkSid: "{sid}" }),
      ],
      undo: number && [edit(about, { TrunkSid: number.trunk_sid ?? "" })],
    },
    {
      id: "sms_url",
      group: "number",
      input: { name: "sms_url", start: "https://example.com/sms" },
      calls: number && [edit(about, { SmsUrl: inputs.sms_url })],
      undo: number && [edit(about, { SmsUrl: number.sms_url ?? "" })],
    },
    {
      id: "sms_empty",
      group: "number",
      calls: number && [edit(about, { SmsUrl: "" })],
      undo: number && [edit(about, { SmsUrl: number.sms_url ?? "" })],
    },
    { id: "release", group: "number", calls: number && [twilio(owner, "DELETE", NUMBERS(owner, number))], grave: true },
    {
      id: "delete_assistant",
      group: "assistant",
      calls: assistant && [vapi(org, "DELETE", `assistant/${assistant.id}`)],
    },
    {
      id: "unlink",
      group: "assistant",
      calls: entry?.assistantId && [vapi(org, "PATCH", `phone-number/${entry.id}`, { assistantId: null })],
      undo: entry && [vapi(org, "PATCH", `phone-number/${entry.id}`, { assistantId: entry.assistantId })],
    },
    { id: "forget_number", group: "assistant", calls: entry && [vapi(org, "DELETE", `phone-number/${entry.id}`)] },
  ];
}

/** Which requests a fault hits. */
export const TARGETS = { both: "^/(twilio|vapi|vapi-eu)/", twilio: "^/twilio/", vapi: "^/(vapi|vapi-eu)/" };
export const METHODS = { any: undefined, changes: "POST" };

/** What happens to the next request. */
export const FAULTS = {
  drop_before: { drop: "before" },
  drop_after: { drop: "after" },
  cut: { cut: true },
  too_many: { status: 429 },
  server_error: { status: 500 },
  slow: { delay_ms: 10_000 },
  early: { early_s: 5 },
};

export function faultCall(kind, { target, method, times }) {
  const rule = { path: TARGETS[target], times, fault: FAULTS[kind] };
  if (METHODS[method]) rule.method = METHODS[method];
  return control("POST", "faults", rule);
}

/** What happens to the next webhook. */
export const WEBHOOKS = {
  lost: { lost: true },
  doubled: { doubled: true },
  late: { late_s: 60 },
  reordered: { reordered: "subject" },
};

export function webhookCall(kind, { provider, times }) {
  return control("POST", "faults", {
    webhook: {},
    ...(provider !== "both" && { provider }),
    times,
    fault: WEBHOOKS[kind],
  });
}
