//! Answers have every field of the official schemas, with the right JSON type. The lists are taken from
//! `twilio_api_v2010.json`, `twilio_trunking_v1.json` (2.6.7) and Vapi's `openapi.json` (2026-08-18).

use serde_json::{Value, json};

use crate::lab::{Lab, US};

/// Type letters: s text, b boolean, i integer, o object, a array; `?` also null.
type Fields = &'static [(&'static str, &'static [&'static str])];

const INCOMING_PHONE_NUMBER: Fields = &[
    (
        "s",
        &[
            "sid",
            "account_sid",
            "phone_number",
            "friendly_name",
            "uri",
            "date_created",
            "date_updated",
            "api_version",
            "origin",
            "status",
            "type",
            "address_requirements",
            "emergency_status",
            "emergency_address_status",
            "voice_method",
            "voice_fallback_method",
            "voice_receive_mode",
            "sms_method",
            "sms_fallback_method",
            "status_callback_method",
        ],
    ),
    (
        "s?",
        &[
            "voice_url",
            "voice_fallback_url",
            "voice_application_sid",
            "sms_url",
            "sms_fallback_url",
            "sms_application_sid",
            "status_callback",
            "trunk_sid",
            "address_sid",
            "identity_sid",
            "bundle_sid",
            "emergency_address_sid",
        ],
    ),
    ("b", &["beta", "voice_caller_id_lookup"]),
    ("o", &["capabilities"]),
];

const ACCOUNT: Fields = &[
    (
        "s",
        &[
            "sid",
            "auth_token",
            "friendly_name",
            "status",
            "type",
            "owner_account_sid",
            "uri",
            "date_created",
            "date_updated",
        ],
    ),
    ("o", &["subresource_uris"]),
];

const APPLICATION: Fields = &[
    (
        "s",
        &[
            "sid",
            "account_sid",
            "api_version",
            "friendly_name",
            "uri",
            "date_created",
            "date_updated",
            "voice_method",
            "voice_fallback_method",
            "sms_method",
            "sms_fallback_method",
            "status_callback_method",
        ],
    ),
    (
        "s?",
        &[
            "voice_url",
            "voice_fallback_url",
            "sms_url",
            "sms_fallback_url",
            "status_callback",
            "sms_status_callback",
            "message_status_callback",
        ],
    ),
    ("b", &["voice_caller_id_lookup", "public_application_connect_enabled"]),
];

const CALL: Fields = &[
    (
        "s",
        &[
            "sid",
            "account_sid",
            "to",
            "to_formatted",
            "from",
            "from_formatted",
            "phone_number_sid",
            "status",
            "start_time",
            "end_time",
            "duration",
            "price_unit",
            "direction",
            "api_version",
            "queue_time",
            "uri",
            "date_created",
            "date_updated",
        ],
    ),
    (
        "s?",
        &[
            "parent_call_sid",
            "price",
            "answered_by",
            "forwarded_from",
            "group_sid",
            "caller_name",
            "trunk_sid",
        ],
    ),
    ("o", &["subresource_uris"]),
];

const KEY: Fields = &[("s", &["sid", "friendly_name", "date_created", "date_updated", "secret"])];

const TRUNK: Fields = &[
    (
        "s",
        &[
            "sid",
            "account_sid",
            "transfer_mode",
            "transfer_caller_id",
            "disaster_recovery_method",
            "auth_type",
            "date_created",
            "date_updated",
            "url",
        ],
    ),
    ("s?", &["domain_name", "disaster_recovery_url", "friendly_name"]),
    ("b", &["secure", "cnam_lookup_enabled", "symmetric_rtp_enabled"]),
    ("o", &["recording", "links"]),
    ("a", &["auth_type_set"]),
];

const ORIGINATION_URL: Fields = &[
    (
        "s",
        &[
            "sid",
            "account_sid",
            "trunk_sid",
            "sip_url",
            "friendly_name",
            "date_created",
            "date_updated",
            "url",
        ],
    ),
    ("i", &["weight", "priority"]),
    ("b", &["enabled"]),
];

const VAPI_NUMBER: Fields = &[
    ("s", &["id", "orgId", "createdAt", "updatedAt", "provider", "number", "twilioAccountSid", "status"]),
    ("s?", &["name", "assistantId", "squadId", "workflowId"]),
    ("b", &["smsEnabled"]),
];

const VAPI_CALL: Fields = &[
    (
        "s",
        &[
            "id",
            "orgId",
            "createdAt",
            "updatedAt",
            "startedAt",
            "endedAt",
            "type",
            "status",
            "endedReason",
            "phoneCallProvider",
            "phoneCallTransport",
            "phoneCallProviderId",
            "phoneNumberId",
        ],
    ),
    ("i", &["cost"]),
    ("o", &["monitor", "transport", "artifact", "analysis", "customer"]),
];

fn conforms(name: &str, fields: Fields, value: &Value) {
    for (kind, names) in fields {
        for field in *names {
            let found = value.get(*field).unwrap_or_else(|| panic!("{name} has no {field}"));
            let fits = match kind.trim_end_matches('?') {
                "s" => found.is_string(),
                "b" => found.is_boolean(),
                "i" => found.is_i64(),
                "o" => found.is_object(),
                _ => found.is_array(),
            };
            assert!(fits || (kind.ends_with('?') && found.is_null()), "{name}.{field} is {found}");
        }
    }
}

#[tokio::test]
async fn answers_have_the_fields_of_the_specifications() {
    let lab = Lab::new().await;
    let (_, account) = lab.twilio("GET", ".json", &[]).await;
    conforms("account", ACCOUNT, &account);
    let (_, numbers) = lab.twilio("GET", "/IncomingPhoneNumbers.json", &[]).await;
    for number in numbers["incoming_phone_numbers"].as_array().unwrap() {
        conforms("incoming_phone_number", INCOMING_PHONE_NUMBER, number);
        assert!(number["capabilities"]["sms"].is_boolean());
    }
    let paging =
        ["page", "page_size", "start", "end", "uri", "first_page_uri", "next_page_uri", "previous_page_uri"];
    assert!(paging.iter().all(|field| numbers.get(*field).is_some()), "{numbers}");
    let (_, application) = lab.twilio("POST", "/Applications.json", &[]).await;
    conforms("application", APPLICATION, &application);
    conforms("key", KEY, &lab.twilio("POST", "/Keys.json", &[]).await.1);
    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &[]).await;
    conforms("trunk", TRUNK, &trunk);
    let path = format!("/v1/Trunks/{}/OriginationUrls", trunk["sid"].as_str().unwrap());
    let form = [
        ("Weight", "1"),
        ("Priority", "1"),
        ("Enabled", "true"),
        ("FriendlyName", "u"),
        ("SipUrl", "sip:a@b.example"),
    ];
    conforms("origination_url", ORIGINATION_URL, &lab.trunking("POST", &path, &form).await.1);

    let (_, row) = lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    conforms("TwilioPhoneNumber", VAPI_NUMBER, &row);
    lab.call(US).await;
    conforms("call", CALL, &lab.twilio("GET", "/Calls.json", &[]).await.1["calls"][0]);
    conforms("Call", VAPI_CALL, &lab.vapi("GET", "/call", Value::Null).await.1[0]);
}
