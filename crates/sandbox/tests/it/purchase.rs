//! Buying, keeping and releasing numbers (facts: Twilio 5, 22).

use serde_json::{Value, json};

use crate::lab::{Form, Lab, US};

const FREE: &str = "+14155553000";

async fn buy(lab: &Lab, form: Form<'_>) -> (u16, Value) {
    lab.twilio("POST", "/IncomingPhoneNumbers.json", form).await
}

async fn code(lab: &Lab, form: Form<'_>) -> Value {
    let (status, body) = buy(lab, form).await;
    assert_eq!(status, 400, "{form:?} {body}");
    body["code"].clone()
}

async fn address(lab: &Lab, country: &str, postal_code: &str) -> String {
    let form = [
        ("CustomerName", "Dialtone"),
        ("Street", "1 Main Street"),
        ("City", "Town"),
        ("Region", "Region"),
        ("PostalCode", postal_code),
        ("IsoCountry", country),
        ("EmergencyEnabled", "true"),
    ];
    let (status, address) = lab.twilio("POST", "/Addresses.json", &form).await;
    assert_eq!(status, 201, "{address}");
    address["sid"].as_str().unwrap().to_owned()
}

async fn bundle(lab: &Lab, country: &str, kind: &str, status: &str) -> String {
    let body = json!({"iso_country": country, "number_type": kind, "status": status});
    let (created, bundle) = lab.control("POST", "/bundles", body).await;
    assert_eq!(created, 201, "{bundle}");
    bundle["sid"].as_str().unwrap().to_owned()
}

async fn offered(lab: &Lab, path: &str) -> String {
    let (_, found) = lab.twilio("GET", &format!("/AvailablePhoneNumbers/{path}"), &[]).await;
    found["available_phone_numbers"][0]["phone_number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn trap_02_buying_an_owned_number_updates_it_and_costs_nothing_and_an_area_code_buys_again() {
    let lab = Lab::new().await;
    let (_, first) = buy(&lab, &[("AreaCode", "808"), ("VoiceUrl", "https://a.example/v")]).await;
    let (_, second) = buy(&lab, &[("AreaCode", "808")]).await;
    assert_ne!(first["sid"], second["sid"]);
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "47.70");
    let form =
        [("PhoneNumber", first["phone_number"].as_str().unwrap()), ("VoiceUrl", "https://b.example/v")];
    let (status, again) = buy(&lab, &form).await;
    assert_eq!((status, &again["sid"]), (201, &first["sid"]));
    assert_eq!(again["voice_url"], "https://b.example/v");
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "47.70");
}

#[tokio::test]
async fn an_area_is_sold_out_when_its_stock_is() {
    let lab = Lab::new().await;
    for _ in 0..25 {
        assert_eq!(buy(&lab, &[("AreaCode", "808")]).await.0, 201);
    }
    assert_eq!(code(&lab, &[("AreaCode", "808")]).await, 21452);
    let (_, found) = lab.twilio("GET", "/AvailablePhoneNumbers/US/Local.json?AreaCode=808", &[]).await;
    assert_eq!(found["available_phone_numbers"], json!([]));
    assert_eq!(code(&lab, &[("AreaCode", "999")]).await, 21452);
    assert_eq!(code(&lab, &[("AreaCode", "111")]).await, 21451);
}

#[tokio::test]
async fn a_number_without_funds_or_rights_is_refused() {
    let lab = Lab::new().await;
    let account = format!("/accounts/{}", lab.sid);
    lab.control("POST", &account, json!({"balance": "1.14"})).await;
    assert_eq!(code(&lab, &[("PhoneNumber", FREE)]).await, 10001);
    lab.control("POST", &account, json!({"balance": "10.00", "no_long_codes": true})).await;
    assert_eq!(code(&lab, &[("PhoneNumber", FREE)]).await, 22300);
    assert_eq!(buy(&lab, &[("PhoneNumber", "+18885553000")]).await.0, 201);
    lab.control("POST", &account, json!({"status": "suspended"})).await;
    assert_eq!(buy(&lab, &[("PhoneNumber", FREE)]).await.1["code"], 20005);
}

#[tokio::test]
async fn a_failed_purchase_costs_nothing_and_keeps_nothing() {
    let lab = Lab::new().await;
    assert_eq!(code(&lab, &[("PhoneNumber", FREE), ("VoiceUrl", "nonsense")]).await, 21402);
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "50.00");
    let (_, list) = lab.twilio("GET", "/IncomingPhoneNumbers.json?PhoneNumber=5553000", &[]).await;
    assert_eq!(list["incoming_phone_numbers"], json!([]));
}

#[tokio::test]
async fn outside_the_catalogue_or_with_stock_only_nothing_else_is_sold() {
    let lab = Lab::new().await;
    assert_eq!(code(&lab, &[("PhoneNumber", "+390612345678")]).await, 21422);
    lab.control("POST", "/settings", json!({"stock_only": true})).await;
    assert_eq!(code(&lab, &[("PhoneNumber", FREE)]).await, 21422);
    let phone = offered(&lab, "US/Local.json").await;
    assert_eq!(buy(&lab, &[("PhoneNumber", &phone)]).await.0, 201);
}

#[tokio::test]
async fn british_mobiles_need_a_bundle_in_the_words_of_the_real_service() {
    let lab = Lab::new().await;
    let phone = offered(&lab, "GB/Mobile.json").await;
    let (status, body) = buy(&lab, &[("PhoneNumber", &phone)]).await;
    assert_eq!((status, &body["code"]), (400, &json!(21649)));
    let text = "Unable to create record: Bundle required and not provided for country: [GB] and \
                numberType: [MOBILE]";
    assert_eq!(body["message"], text);
    let other = bundle(&lab, "FR", "mobile", "twilio-approved").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &phone), ("BundleSid", &other)]).await, 21649);
    let draft = bundle(&lab, "GB", "mobile", "in-review").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &phone), ("BundleSid", &draft)]).await, 21613);
    let good = bundle(&lab, "GB", "mobile", "twilio-approved").await;
    let (status, number) = buy(&lab, &[("PhoneNumber", &phone), ("BundleSid", &good)]).await;
    assert_eq!((status, &number["bundle_sid"], &number["type"]), (201, &json!(good), &json!("mobile")));
}

#[tokio::test]
async fn numbers_need_the_address_of_their_country() {
    let lab = Lab::new().await;
    let (german, french) = (address(&lab, "DE", "10115").await, address(&lab, "FR", "75001").await);
    let british = address(&lab, "GB", "sw1a 1aa").await;
    let berlin = offered(&lab, "DE/Local.json?InLocality=Berlin").await;
    let covered = bundle(&lab, "DE", "local", "twilio-approved").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &berlin), ("BundleSid", &covered)]).await, 21615);
    let form = [("PhoneNumber", berlin.as_str()), ("BundleSid", &covered), ("AddressSid", &french)];
    assert_eq!(code(&lab, &form).await, 21615);
    let form = [("PhoneNumber", berlin.as_str()), ("BundleSid", &covered), ("AddressSid", &german)];
    let (status, number) = buy(&lab, &form).await;
    assert_eq!((status, &number["address_sid"]), (201, &json!(german)));
    assert_eq!(number["address_requirements"], "local");

    let sydney = offered(&lab, "AU/Local.json").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &sydney)]).await, 21631);
    let absent = format!("AD{}", "0".repeat(32));
    assert_eq!(code(&lab, &[("PhoneNumber", &sydney), ("AddressSid", &absent)]).await, 21631);
    assert_eq!(buy(&lab, &[("PhoneNumber", &sydney), ("AddressSid", &german)]).await.0, 201);

    // A foreign address is one outside the country.
    let national = offered(&lab, "GB/National.json").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &national), ("AddressSid", &british)]).await, 21631);
    assert_eq!(buy(&lab, &[("PhoneNumber", &national), ("AddressSid", &french)]).await.0, 201);
}

#[tokio::test]
async fn german_mobiles_need_an_identity_document_or_a_bundle() {
    let lab = Lab::new().await;
    let home = address(&lab, "DE", "10115").await;
    let phone = offered(&lab, "DE/Mobile.json").await;
    let form = [("PhoneNumber", phone.as_str()), ("AddressSid", &home)];
    assert_eq!(code(&lab, &form).await, 21650);
    let (_, poor) = lab.control("POST", "/identities", json!({"sufficient": false})).await;
    let (_, good) = lab.control("POST", "/identities", json!({})).await;
    let with = |identity: &Value| identity["sid"].as_str().unwrap().to_owned();
    let (poor, good) = (with(&poor), with(&good));
    let form = [("PhoneNumber", phone.as_str()), ("AddressSid", &home), ("IdentitySid", &poor)];
    assert_eq!(code(&lab, &form).await, 21651);
    let form = [("PhoneNumber", phone.as_str()), ("AddressSid", &home), ("IdentitySid", &good)];
    assert_eq!(buy(&lab, &form).await.1["identity_sid"], good);
}

#[tokio::test]
async fn sub_resources_take_numbers_of_their_type_only() {
    let lab = Lab::new().await;
    let buy_at = async |path: &str, form: Form<'_>| {
        lab.twilio("POST", &format!("/IncomingPhoneNumbers/{path}.json"), form).await
    };
    for (path, form, code) in [
        ("Local", ("AreaCode", "415"), 21457),
        ("TollFree", ("AreaCode", "800"), 21457),
        ("Local", ("PhoneNumber", "+18885553000"), 21458),
        ("TollFree", ("PhoneNumber", FREE), 21458),
        ("Mobile", ("PhoneNumber", FREE), 21458),
        ("Local", ("FriendlyName", "x"), 21421),
    ] {
        let (status, body) = buy_at(path, &[form]).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{path} {form:?}");
    }
    assert_eq!(buy_at("Local", &[("PhoneNumber", FREE)]).await.0, 201);
    assert_eq!(buy_at("TollFree", &[("PhoneNumber", "+18885553000")]).await.0, 201);
    for (path, count) in [("Local", 2), ("TollFree", 1), ("Mobile", 1)] {
        let (_, list) = lab.twilio("GET", &format!("/IncomingPhoneNumbers/{path}.json"), &[]).await;
        assert_eq!(list["incoming_phone_numbers"].as_array().unwrap().len(), count, "{path}");
    }
}

#[tokio::test]
async fn a_released_number_is_kept_for_its_owner_and_then_anybodys() {
    let lab = Lab::new().await;
    let phone = offered(&lab, "US/Local.json?AreaCode=808").await;
    let (_, number) = buy(&lab, &[("PhoneNumber", &phone)]).await;
    let path = format!("/IncomingPhoneNumbers/{}.json", number["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    let (_, other) = lab.control("POST", "/accounts", json!({})).await;
    let (sid, token) = (other["sid"].as_str().unwrap(), other["auth_token"].as_str().unwrap());
    let numbers = format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json");
    let form = [("PhoneNumber", phone.as_str())];
    assert_eq!(lab.twilio_as(sid, token, "POST", &numbers, &form).await.1["code"], 21422);
    assert_ne!(offered(&lab, "US/Local.json?AreaCode=808").await, phone);
    // Bought back: another resource, and another month to pay.
    let (status, back) = buy(&lab, &form).await;
    assert_eq!(status, 201);
    assert_ne!(back["sid"], number["sid"]);
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "47.70");
    let path = format!("/IncomingPhoneNumbers/{}.json", back["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    lab.control("POST", "/clock", json!({"advance_s": 10 * 86_400 + 1})).await;
    assert_eq!(offered(&lab, "US/Local.json?AreaCode=808").await, phone);
    assert_eq!(lab.twilio_as(sid, token, "POST", &numbers, &form).await.0, 201);
}

#[tokio::test]
async fn trap_15_fresh_numbers_carry_demo_urls_unless_the_setting_says_empty() {
    let lab = Lab::new().await;
    let (_, number) = buy(&lab, &[("PhoneNumber", FREE)]).await;
    assert_eq!(number["voice_url"], "https://demo.twilio.com/welcome/voice/");
    assert_eq!(number["sms_url"], "https://demo.twilio.com/welcome/sms/reply/");
    lab.control("POST", "/settings", json!({"fresh_numbers": "empty"})).await;
    let (_, number) = buy(&lab, &[("PhoneNumber", "+14155553001")]).await;
    assert_eq!((&number["voice_url"], &number["sms_url"]), (&json!(null), &json!("")));
    assert_eq!(lab.call("+14155553001").await["outcome"], "no_route");
}

#[tokio::test]
async fn trap_18_a_fallback_alone_and_a_host_with_an_underscore_are_errors_of_a_purchase_too() {
    let lab = Lab::new().await;
    lab.control("POST", "/settings", json!({"fresh_numbers": "empty"})).await;
    for (setting, wrong) in [
        (("VoiceFallbackUrl", "https://a.example/"), 21405),
        (("SmsFallbackUrl", "https://a.example/"), 21406),
        (("VoiceUrl", "https://a_b.example/"), 21402),
        (("VoiceMethod", "PATCH"), 21403),
    ] {
        assert_eq!(code(&lab, &[("PhoneNumber", FREE), setting]).await, wrong, "{setting:?}");
    }
    let phone = offered(&lab, "AU/TollFree.json").await;
    assert_eq!(code(&lab, &[("PhoneNumber", &phone), ("SmsUrl", "https://a.example/")]).await, 21407);
    assert_eq!(code(&lab, &[("PhoneNumber", &phone), ("VoiceCallerIdLookup", "true")]).await, 21409);
    let application = format!("AP{}", "0".repeat(32));
    assert_eq!(code(&lab, &[("PhoneNumber", FREE), ("VoiceApplicationSid", &application)]).await, 21420);
}

#[tokio::test]
async fn trap_24_the_status_callback_of_a_number_is_its_own_setting() {
    let lab = Lab::new().await;
    let (_, number) = lab.set(US, &[("StatusCallback", "https://a.example/calls")]).await;
    assert_eq!(number["status_callback"], "https://a.example/calls");
    assert_ne!(number["sms_url"], "https://a.example/calls");
}

#[tokio::test]
async fn a_number_with_an_emergency_address_is_not_released() {
    let lab = Lab::new().await;
    let home = address(&lab, "US", "94105").await;
    let (_, number) =
        lab.set(US, &[("EmergencyAddressSid", home.as_str()), ("EmergencyStatus", "Active")]).await;
    assert_eq!(number["emergency_address_status"], "pending-registration");
    lab.control("POST", "/clock", json!({"advance_s": 61})).await;
    let path = format!("/IncomingPhoneNumbers/{}.json", number["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("GET", &path, &[]).await.1["emergency_address_status"], "registered");
    let (status, body) = lab.twilio("DELETE", &path, &[]).await;
    assert_eq!((status, &body["code"]), (400, &json!(21634)));
    assert_eq!(lab.twilio("DELETE", &format!("/Addresses/{home}.json"), &[]).await.0, 409);
    let (_, number) = lab.set(US, &[("EmergencyAddressSid", "")]).await;
    assert_eq!(number["emergency_status"], "Inactive");
    lab.control("POST", "/clock", json!({"advance_s": 61})).await;
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
}

#[tokio::test]
async fn a_subaccounts_purchase_is_paid_by_the_parent() {
    let lab = Lab::new().await;
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let (sid, token) = (sub["sid"].as_str().unwrap(), sub["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json");
    assert_eq!(lab.twilio_as(sid, token, "POST", &path, &[("PhoneNumber", FREE)]).await.0, 201);
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "48.85");
    // Suspended, its numbers do not ring.
    let account = format!("/2010-04-01/Accounts/{sid}.json");
    lab.twilio_as(&lab.sid, &lab.token, "POST", &account, &[("Status", "suspended")]).await;
    assert_eq!(lab.call(FREE).await["outcome"], "rejected");
}

#[tokio::test]
async fn a_number_is_moved_by_the_parent_to_an_active_account_of_its_own() {
    let lab = Lab::new().await;
    let sub = async || {
        let body = json!({"owner_account_sid": lab.sid});
        let (_, account) = lab.control("POST", "/accounts", body).await;
        (account["sid"].as_str().unwrap().to_owned(), account["auth_token"].as_str().unwrap().to_owned())
    };
    let ((first, token), (second, _)) = (sub().await, sub().await);
    lab.control("POST", &format!("/accounts/{second}"), json!({"status": "suspended"})).await;
    assert_eq!(lab.set(US, &[("AccountSid", &second)]).await.1["code"], 21472);
    let (_, moved) = lab.set(US, &[("AccountSid", &first)]).await;
    assert_eq!(moved["account_sid"], first);
    lab.control("POST", &format!("/accounts/{second}"), json!({"status": "active"})).await;
    let path =
        format!("/2010-04-01/Accounts/{first}/IncomingPhoneNumbers/{}.json", moved["sid"].as_str().unwrap());
    let form = [("AccountSid", second.as_str())];
    assert_eq!(lab.twilio_as(&first, &token, "POST", &path, &form).await.1["code"], 21474);
    assert_eq!(lab.twilio_as(&lab.sid, &lab.token, "POST", &path, &form).await.0, 200);
}

async fn test_credentials(lab: &Lab) -> (String, String) {
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let accounts = state["accounts"].as_array().unwrap();
    let test = accounts.iter().find(|account| account["test"] == true).unwrap();
    (test["sid"].as_str().unwrap().to_owned(), test["auth_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn test_credentials_buy_by_magic_numbers_and_keep_nothing() {
    let lab = Lab::new().await;
    let (sid, token) = test_credentials(&lab).await;
    let path = format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json");
    let (_, before) = lab.control("GET", "/state", json!({})).await;
    for (form, expected) in [
        (("PhoneNumber", "+15005550000"), Some(21422)),
        (("PhoneNumber", "+15005550001"), Some(21421)),
        (("PhoneNumber", FREE), Some(21421)),
        (("AreaCode", "533"), Some(21452)),
        (("PhoneNumber", "+15005550006"), None),
        (("AreaCode", "500"), None),
    ] {
        let (status, body) = lab.twilio_as(&sid, &token, "POST", &path, &[form]).await;
        match expected {
            Some(code) => assert_eq!((status, &body["code"]), (400, &json!(code)), "{form:?}"),
            None => assert_eq!((status, &body["phone_number"]), (201, &json!("+15005550006")), "{form:?}"),
        }
    }
    let (_, after) = lab.control("GET", "/state", json!({})).await;
    assert_eq!((&before["numbers"], &before["accounts"]), (&after["numbers"], &after["accounts"]));
}

#[tokio::test]
async fn test_credentials_can_do_nothing_else() {
    let lab = Lab::new().await;
    let (sid, token) = test_credentials(&lab).await;
    for (method, path) in [
        ("GET", "/IncomingPhoneNumbers.json"),
        ("GET", ".json"),
        ("GET", "/Balance.json"),
        ("GET", "/AvailablePhoneNumbers/US/Local.json"),
        ("POST", "/Applications.json"),
        ("GET", "/Messages.json"),
    ] {
        let path = format!("/2010-04-01/Accounts/{sid}{path}");
        let (status, body) = lab.twilio_as(&sid, &token, method, &path, &[]).await;
        assert_eq!((status, &body["code"]), (403, &json!(20008)), "{method} {path}");
    }
}

#[tokio::test]
async fn hosted_numbers_are_told_from_bought_ones() {
    let lab = Lab::new().await;
    lab.control("POST", "/numbers", json!({"phone_number": FREE, "origin": "hosted"})).await;
    for (origin, count) in [("hosted", 1), ("twilio", 2)] {
        let path = format!("/IncomingPhoneNumbers.json?Origin={origin}");
        let (_, list) = lab.twilio("GET", &path, &[]).await;
        assert_eq!(list["incoming_phone_numbers"].as_array().unwrap().len(), count, "{origin}");
    }
}

#[tokio::test]
async fn a_long_list_is_walked_to_its_end_and_every_number_comes_once() {
    let lab = Lab::new().await;
    for index in 0..120 {
        let body = json!({"phone_number": format!("+1415555{:04}", 3000 + index)});
        assert_eq!(lab.control("POST", "/numbers", body).await.0, 201);
    }
    let mut next = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json?PageSize=50", lab.sid);
    let (mut seen, mut pages) = (std::collections::BTreeSet::new(), 0);
    loop {
        let (_, page) = lab.twilio_as(&lab.sid, &lab.token, "GET", &next, &[]).await;
        for number in page["incoming_phone_numbers"].as_array().unwrap() {
            assert!(seen.insert(number["sid"].as_str().unwrap().to_owned()));
        }
        pages += 1;
        match page["next_page_uri"].as_str() {
            Some(uri) => uri.clone_into(&mut next),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 122));
}
