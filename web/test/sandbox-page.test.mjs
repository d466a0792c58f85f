// What the sandbox's page makes of the state of both providers, and the calls that break it.
import { describe, expect, test } from "vitest";
import { FAULTS, WEBHOOKS, breaks, faultCall, subject, webhookCall } from "../../crates/sandbox/src/page/breaks.mjs";
import { disagreements, inVapi, orphans, textRoute, voiceRoute } from "../../crates/sandbox/src/page/insight.mjs";
import { conversation } from "../../crates/sandbox/src/page/conversation.mjs";

const VAPI = "https://api.vapi.ai/twilio/inbound_call";
const PHONE = "+14155552671";

/** A number that works: at Twilio it points at Vapi, where an assistant is linked to it. */
function working({ number = {}, entry = {}, account = {}, ...more } = {}) {
  const one = {
    sid: "PN1",
    account_sid: "AC1",
    phone_number: PHONE,
    voice_url: VAPI,
    voice_method: "POST",
    sms_url: "",
    ...number,
  };
  const linked = {
    id: "p",
    number: PHONE,
    provider: "twilio",
    assistantId: "a",
    twilioAccountSid: "AC1",
    twilioAuthToken: "t",
    ...entry,
  };
  const org = {
    id: "o",
    name: "Org",
    region: "us",
    private_key: "k",
    assistants: [{ id: "a", name: "Mia" }],
    phone_numbers: [linked],
  };
  const state = {
    accounts: [{ sid: "AC1", auth_token: "t", status: "active", balance: "50.00", ...account }],
    numbers: [one],
    orgs: [org],
    trunks: [],
    applications: [],
    phones: {},
    messages: [],
    ...more,
  };
  return { state, number: one };
}

const found = ({ number, state }) => disagreements(number, state).map(({ code }) => code);

describe("where calls and texts go", () => {
  test("the trunk hides the application, and that the address", () => {
    const trunk = {
      sid: "TK1",
      origination_urls: [
        { enabled: false, sip_url: "sip:a" },
        { enabled: true, sip_url: "sip:b" },
      ],
    };
    const number = { trunk_sid: "TK1", voice_application_sid: "AP1", voice_url: VAPI };
    const state = {
      trunks: [trunk],
      applications: [{ sid: "AP1", voice_url: "https://demo.twilio.com/welcome/voice/" }],
    };
    expect(voiceRoute(number, state)).toEqual({ kind: "trunk", sid: "TK1", url: "sip:b" });
    expect(voiceRoute({ ...number, trunk_sid: "" }, state)).toMatchObject({ kind: "demo", application: "AP1" });
    expect(voiceRoute({ ...number, trunk_sid: null, voice_application_sid: "" }, state).kind).toBe("vapi");
  });

  test.each([
    [VAPI, "vapi"],
    ["https://api.vapi.ai/call/twilio", "vapi"],
    ["https://api.eu.vapi.ai/twilio/inbound_call", "vapi"],
    ["https://api.ap.vapi.ai/twilio/inbound_call", "other_vapi"],
    ["https://demo.twilio.com/welcome/voice/", "demo"],
    ["https://evilvapi.ai/twilio/inbound_call", "url"],
    ["not a url", "url"],
    ["", "none"],
    [null, "none"],
  ])("the voice URL %s is %s", (voice_url, kind) => {
    expect(voiceRoute({ voice_url }, { trunks: [], applications: [] }).kind).toBe(kind);
  });

  test("texts go to the service, else the application, else the address", () => {
    const number = {
      sid: "PN1",
      phone_number: PHONE,
      sms_application_sid: "AP1",
      sms_url: "https://api.vapi.ai/twilio/sms",
    };
    const state = {
      applications: [{ sid: "AP1", sms_url: "https://a.example/sms" }],
      services: [{ sid: "MG1", senders: [PHONE] }],
    };
    expect(textRoute(number, state)).toEqual({ kind: "service", sid: "MG1" });
    expect(textRoute(number, { ...state, services: [] })).toMatchObject({ kind: "url", application: "AP1" });
    expect(textRoute({ ...number, sms_application_sid: "" }, { applications: [] }).kind).toBe("vapi");
  });
});

describe("where the two providers disagree", () => {
  test("nowhere, when the number works", () => {
    expect(found(working())).toEqual([]);
  });

  test.each([
    ["unknown_to_vapi", { entry: { number: "+14155550000" } }],
    ["assistant_deleted", { entry: { assistantId: "gone" } }],
    ["no_assistant", { entry: { assistantId: null } }],
    ["stale_token", { entry: { twilioAuthToken: "older" } }],
    ["vapi_waits", { number: { voice_url: "https://a.example/voice" } }],
    ["wrong_method", { number: { voice_method: "GET" } }],
    ["account_inactive", { account: { status: "suspended" } }],
    ["trunk_without_url", { number: { trunk_sid: "TK1" }, trunks: [{ sid: "TK1", origination_urls: [] }] }],
    ["lost_application", { number: { voice_application_sid: "AP9" } }],
    ["no_voice_url", { number: { voice_url: "" } }],
    ["other_region", { number: { voice_url: "https://api.eu.vapi.ai/twilio/inbound_call" } }],
  ])("%s", (code, change) => {
    expect(found(working(change))).toContain(code);
  });

  test("a number may be answered by a server, and its account may have two tokens", () => {
    expect(found(working({ entry: { assistantId: null, server: { url: "https://a.example" } } }))).toEqual([]);
    expect(found(working({ entry: { twilioAuthToken: "new" }, account: { secondary_auth_token: "new" } }))).toEqual([]);
  });

  test("a number belongs to the region whose address it calls", () => {
    const { state, number } = working({ number: { voice_url: "https://api.eu.vapi.ai/twilio/inbound_call" } });
    const europe = { ...state, orgs: [{ ...state.orgs[0], region: "eu" }] };
    expect(found({ state: europe, number })).toEqual([]);
    expect(found({ state: europe, number: { ...number, voice_url: VAPI } })).toEqual(["other_region"]);
    const [unlink] = breaks(subject(europe, PHONE), {}).filter(({ id }) => id === "unlink");
    expect(unlink.calls[0].path).toBe("/vapi-eu/phone-number/p");
  });

  test("a number that only Vapi has is an orphan", () => {
    const { state } = working();
    expect(orphans(state)).toEqual([]);
    expect(orphans({ ...state, numbers: [] })).toHaveLength(1);
    expect(inVapi(PHONE, state)[0].assistant.name).toBe("Mia");
  });
});

describe("what can be broken", () => {
  test("each break is about the number that was chosen, and what makes no sense has no calls", () => {
    const { state } = working();
    const all = breaks(subject(state, PHONE), { voice_url: "https://a.example", sms_url: "" });
    expect(all.filter(({ calls }) => !calls)).toEqual([]);
    const edit = all.find(({ id }) => id === "voice_url");
    expect(edit.calls[0]).toMatchObject({ method: "POST", user: "AC1:t", form: { VoiceUrl: "https://a.example" } });
    expect(edit.undo[0].form).toEqual({ VoiceUrl: VAPI });
    const without = breaks(subject({ ...state, orgs: [{ ...state.orgs[0], phone_numbers: [] }] }, PHONE), {});
    expect(without.filter(({ calls }) => !calls).map(({ id }) => id)).toEqual([
      "delete_assistant",
      "unlink",
      "forget_number",
    ]);
  });

  test("a fault says which requests and how often", () => {
    const call = faultCall("drop_after", { target: "vapi", method: "changes", times: 2 });
    expect(call.json).toEqual({ path: "^/(vapi|vapi-eu)/", method: "POST", times: 2, fault: { drop: "after" } });
    expect(webhookCall("lost", { provider: "twilio", times: 1 }).json).toEqual({
      webhook: {},
      provider: "twilio",
      times: 1,
      fault: { lost: true },
    });
    expect(webhookCall("late", { provider: "both", times: 1 }).json.provider).toBeUndefined();
    expect(Object.keys({ ...FAULTS, ...WEBHOOKS })).toHaveLength(11);
  });
});

test("a conversation has both directions by time, and what the phone remembers of before", () => {
  const message = (sid, from, to, date_created) => ({ sid, from, to, body: sid, status: "delivered", date_created });
  const { state } = working({
    messages: [
      message("SM3", PHONE, "+33639980001", "Thu, 01 Jan 2026 00:00:03 +0000"),
      message("SM2", "+33639980001", PHONE, "Thu, 01 Jan 2026 00:00:02 +0000"),
      message("SM9", PHONE, "+1", "x"),
    ],
    phones: {
      "+33639980001": {
        seen: [
          { kind: "text", from: PHONE, body: "old", media: [], message_sid: "SM1", at: "2026-01-01T00:00:01.000Z" },
          {
            kind: "text",
            from: PHONE,
            body: "SM3",
            media: ["/storage/x"],
            message_sid: "SM3",
            at: "2026-01-01T00:00:04.000Z",
          },
        ],
      },
    },
  });
  const texts = conversation(state, "+33639980001", PHONE);
  expect(texts.map(({ sid }) => sid)).toEqual(["SM1", "SM2", "SM3"]);
  expect(texts[2].media).toEqual(["/storage/x"]);
  expect(conversation(state, "+33639980001", undefined)).toEqual([]);
});
