//! Pricing, lookups, routes, auth tokens, geo permissions, and what credentials are worth where (facts: Twilio
//! 1, 3, 8, 19, 21).

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::lab::{FR, Lab, US, answer};

fn ask(lab: &Lab, method: &str, path: &str) -> RequestBuilder {
    lab.request(method, &format!("/twilio/{path}")).basic_auth(&lab.sid, Some(&lab.token))
}

async fn get(lab: &Lab, path: &str) -> Value {
    let (status, body) = answer(ask(lab, "GET", path)).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn status(lab: &Lab, path: &str) -> u16 {
    answer(ask(lab, "GET", path)).await.0
}

#[tokio::test]
async fn trap_12_prices_are_strings_and_toll_free_has_a_space() {
    let lab = Lab::new().await;
    let us = get(&lab, "pricing/v1/PhoneNumbers/Countries/US").await;
    assert_eq!(
        us["phone_number_prices"],
        json!([
            {"number_type": "local", "base_price": "1.15", "current_price": "1.15"},
            {"number_type": "toll free", "base_price": "2.15", "current_price": "2.15"},
        ])
    );
    assert_eq!((&us["country"], &us["price_unit"]), (&json!("United States"), &json!("USD")));
    let fr = get(&lab, "pricing/v1/Messaging/Countries/FR").await;
    assert_eq!(fr["inbound_sms_prices"][0]["base_price"], "0.0075");
    assert_eq!(fr["outbound_sms_prices"][0]["prices"][0]["current_price"], "0.0798");
    // The price asked is the price taken.
    let (_, before) = lab.twilio("GET", "/Balance.json", &[]).await;
    lab.twilio("POST", "/IncomingPhoneNumbers.json", &[("PhoneNumber", "+18885553000")]).await;
    let (_, after) = lab.twilio("GET", "/Balance.json", &[]).await;
    assert_eq!((&before["balance"], &after["balance"]), (&json!("50.00"), &json!("47.85")));
}

#[tokio::test]
async fn every_price_list_lists_six_countries_and_no_other() {
    let lab = Lab::new().await;
    for list in [
        "v1/PhoneNumbers/Countries",
        "v1/Messaging/Countries",
        "v1/Voice/Countries",
        "v2/Voice/Countries",
        "v2/Trunking/Countries",
    ] {
        let body = get(&lab, &format!("pricing/{list}")).await;
        let countries = body["countries"].as_array().unwrap();
        assert_eq!((countries.len(), &body["meta"]["key"]), (6, &json!("countries")), "{list}");
        for country in countries {
            let url = country["url"].as_str().unwrap();
            let path = url.split_once("/twilio/").unwrap().1;
            assert_eq!(get(&lab, path).await["iso_country"], country["iso_country"]);
        }
        assert_eq!(status(&lab, &format!("pricing/{list}/ZZ")).await, 404, "{list}");
        let page = get(&lab, &format!("pricing/{list}?PageSize=4")).await;
        let next =
            page["meta"]["next_page_url"].as_str().unwrap().split_once("/twilio/").unwrap().1.to_owned();
        assert_eq!(get(&lab, &next).await["countries"].as_array().unwrap().len(), 2, "{list}");
    }
}

#[tokio::test]
async fn prices_of_single_numbers_follow_the_longest_prefix() {
    let lab = Lab::new().await;
    let mobile = get(&lab, "pricing/v1/Voice/Numbers/%2B447700900123").await;
    assert_eq!(mobile["outbound_call_price"]["base_price"], "0.0318");
    assert_eq!(mobile["inbound_call_price"]["base_price"], json!(null));
    let own = get(&lab, &format!("pricing/v2/Voice/Numbers/{US}?OriginationNumber={FR}")).await;
    assert_eq!(own["inbound_call_price"]["number_type"], "local");
    assert_eq!(own["outbound_call_prices"][0]["origination_prefixes"], json!(["ALL"]));
    let alaska = get(&lab, "pricing/v2/Trunking/Numbers/+19075550100").await;
    assert_eq!(alaska["terminating_prefix_prices"][0]["destination_prefixes"], json!(["1907"]));
    assert_eq!(status(&lab, "pricing/v2/Voice/Numbers/+390612345678").await, 404);
}

#[tokio::test]
async fn lookups_answer_for_bad_numbers_too() {
    let lab = Lab::new().await;
    let good = get(&lab, "lookups/v2/PhoneNumbers/(415)%20992-9960").await;
    for (field, expected) in [
        ("phone_number", json!("+14159929960")),
        ("national_format", json!("(415) 992-9960")),
        ("country_code", json!("US")),
        ("calling_country_code", json!("1")),
        ("valid", json!(true)),
        ("validation_errors", json!(null)),
        ("line_type_intelligence", json!(null)),
    ] {
        assert_eq!(good[field], expected, "{field}");
    }
    let bad = get(&lab, "lookups/v2/PhoneNumbers/+141599299600").await;
    assert_eq!((&bad["valid"], &bad["validation_errors"]), (&json!(false), &json!(["TOO_LONG"])));
    let french = get(&lab, "lookups/v2/PhoneNumbers/0612345678?CountryCode=FR").await;
    assert_eq!(french["phone_number"], "+33612345678");
    let (code, body) =
        answer(ask(&lab, "GET", "lookups/v2/PhoneNumbers/+14159929960?Fields=horoscope")).await;
    assert_eq!((code, &body["code"]), (400, &json!(20422)));
}

#[tokio::test]
async fn lookup_packages_cost_and_validation_does_not() {
    let lab = Lab::new().await;
    get(&lab, "lookups/v2/PhoneNumbers/+33612345679").await;
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "50.00");
    let path = "lookups/v2/PhoneNumbers/+33612345679?Fields=line_type_intelligence,caller_name";
    let found = get(&lab, path).await;
    assert_eq!(found["line_type_intelligence"]["type"], "mobile");
    assert_eq!(found["line_type_intelligence"]["carrier_name"], "Orange");
    // Names of callers are known in the United States only.
    assert_eq!(found["caller_name"]["error_code"], 60600);
    let fields = "line_type_intelligence,sim_swap,call_forwarding,line_status,identity_match,\
                  reassigned_number,sms_pumping_risk,caller_name";
    let own = get(&lab, &format!("lookups/v2/PhoneNumbers/{US}?Fields={fields}&FirstName=Ann")).await;
    assert_eq!(own["line_type_intelligence"]["type"], "nonFixedVoip");
    assert_eq!(own["identity_match"]["first_name_match"], "no_data_available");
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "49.78");
}

#[tokio::test]
async fn a_number_is_routed_to_another_region() {
    let lab = Lab::new().await;
    let path = format!("routes/v2/PhoneNumbers/{US}");
    let before = get(&lab, &path).await;
    assert_eq!(before["voice_region"], "us1");
    let form = [("VoiceRegion", "ie1"), ("FriendlyName", "Dublin")];
    let (code, changed) = answer(ask(&lab, "POST", &path).form(&form)).await;
    assert_eq!((code, &changed["voice_region"], &changed["sid"]), (200, &json!("ie1"), &before["sid"]));
    assert_eq!(get(&lab, &path).await["friendly_name"], "Dublin");
    let (code, _) = answer(ask(&lab, "POST", &path).form(&[("VoiceRegion", "moon1")])).await;
    assert_eq!(code, 400);
    assert_eq!(status(&lab, "routes/v2/PhoneNumbers/+14155559999").await, 404);
    assert_eq!(status(&lab, "routes/v2/Trunks/absent.pstn.twilio.com").await, 404);
    lab.trunking("POST", "/v1/Trunks", &[("DomainName", "lab.pstn.twilio.com")]).await;
    assert_eq!(get(&lab, "routes/v2/Trunks/lab.pstn.twilio.com").await["voice_region"], "us1");
    assert_eq!(get(&lab, "routes/v2/SipDomains/lab.sip.twilio.com").await["voice_region"], "us1");
}

#[tokio::test]
async fn trap_22_a_host_of_another_region_looks_like_a_wrong_password() {
    let lab = Lab::new().await;
    let path = format!("2010-04-01/Accounts/{}/Balance.json", lab.sid);
    for (host, expected) in [
        ("api", 200),
        ("api.ashburn.us1", 200),
        ("api.dublin.ie1", 401),
        ("api.ie1", 401),
        ("api.sydney.au1", 401),
    ] {
        let (code, body) = answer(ask(&lab, "GET", &format!("{host}/{path}"))).await;
        assert_eq!(code, expected, "{host}");
        assert!(code == 200 || (body["code"] == 20003 && body["message"] == "Authenticate"), "{host} {body}");
    }
}

#[tokio::test]
async fn two_tokens_authenticate_until_one_is_promoted() {
    let lab = Lab::new().await;
    let tokens = |method: &str, path: &str, token: &str| {
        let path = format!("/twilio/accounts/v1/AuthTokens/{path}");
        answer(lab.request(method, &path).basic_auth(&lab.sid, Some(token)))
    };
    assert_eq!(tokens("POST", "Promote", &lab.token).await.0, 404);
    let (code, created) = tokens("POST", "Secondary", &lab.token).await;
    assert_eq!(code, 201);
    let second = created["secondary_auth_token"].as_str().unwrap();
    assert_eq!(tokens("POST", "Secondary", second).await.1["code"], 20409);
    let balance = format!("/2010-04-01/Accounts/{}/Balance.json", lab.sid);
    for token in [lab.token.as_str(), second] {
        assert_eq!(lab.twilio_as(&lab.sid, token, "GET", &balance, &[]).await.0, 200);
    }
    let (code, promoted) = tokens("POST", "Promote", second).await;
    assert_eq!((code, &promoted["auth_token"]), (200, &json!(second)));
    assert_eq!(lab.twilio_as(&lab.sid, &lab.token, "GET", &balance, &[]).await.0, 401);
    assert_eq!(lab.twilio_as(&lab.sid, second, "GET", &balance, &[]).await.0, 200);
    assert_eq!(tokens("DELETE", "Secondary", second).await.0, 404);
    let (_, third) = tokens("POST", "Secondary", second).await;
    assert_eq!(tokens("DELETE", "Secondary", second).await.0, 204);
    let third = third["secondary_auth_token"].as_str().unwrap();
    assert_eq!(lab.twilio_as(&lab.sid, third, "GET", &balance, &[]).await.0, 401);
}

#[tokio::test]
async fn trap_14_the_account_answers_its_token_and_a_standard_key_may_not_read_it() {
    let lab = Lab::new().await;
    let (_, account) = lab.twilio("GET", ".json", &[]).await;
    assert_eq!(account["auth_token"], json!(lab.token));
    let (_, key) = lab.twilio("POST", "/Keys.json", &[]).await;
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{}.json", lab.sid);
    let (code, refused) = lab.twilio_as(user, secret, "GET", &path, &[]).await;
    assert_eq!(code, 401);
    assert!(!refused.to_string().contains(&lab.token));
}

#[tokio::test]
async fn trap_16_keys_need_the_accounts_sid_and_restricted_ones_fail_piecemeal() {
    let lab = Lab::new().await;
    let body = json!({"type": "restricted", "permissions": ["available-phone-numbers/read"]});
    let (_, key) = lab.control("POST", "/keys", body).await;
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    for (account, path, expected) in [
        (lab.sid.as_str(), "AvailablePhoneNumbers/US/Local.json", 200),
        (lab.sid.as_str(), "IncomingPhoneNumbers.json", 403),
        (lab.sid.as_str(), "Addresses.json", 403),
        (user, "AvailablePhoneNumbers/US/Local.json", 404),
    ] {
        let path = format!("/2010-04-01/Accounts/{account}/{path}");
        let (code, body) = lab.twilio_as(user, secret, "GET", &path, &[]).await;
        assert_eq!(code, expected, "{path} {body}");
    }
    let name = [("FriendlyName", "renamed")];
    let (code, renamed) = lab.twilio("POST", &format!("/Keys/{user}.json"), &name).await;
    assert_eq!((code, &renamed["friendly_name"]), (200, &json!("renamed")));
    assert!(renamed.get("secret").is_none());
}

#[tokio::test]
async fn trap_17_a_subaccount_has_no_balance_of_its_own() {
    let lab = Lab::new().await;
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let (sid, token) = (sub["sid"].as_str().unwrap(), sub["auth_token"].as_str().unwrap());
    assert_ne!(token, lab.token);
    let path = format!("/2010-04-01/Accounts/{sid}/Balance.json");
    for (user, secret) in [(sid, token), (&lab.sid, &lab.token)] {
        assert_eq!(lab.twilio_as(user, secret, "GET", &path, &[]).await.0, 404);
    }
}

#[tokio::test]
async fn a_country_is_switched_off_for_texts() {
    let lab = Lab::new().await;
    let path = "accounts/v1/Messaging/GeoPermissions";
    let all = get(&lab, path).await;
    assert!(all["permissions"].as_array().unwrap().len() > 200);
    let two = get(&lab, &format!("{path}?CountryCode=FR,PK")).await;
    let french =
        json!({"country_code": "FR", "type": "country", "enabled": true, "prefix": "+33", "message": ""});
    assert_eq!(two["permissions"][0], french);
    assert_eq!(two["permissions"][1]["message"], "High Risk Country");
    let off = |iso: &str| json!({"country_code": iso, "type": "country", "enabled": false}).to_string();
    let form = [("Permissions", off("FR")), ("Permissions", off("PK")), ("Permissions", off("ZZ"))];
    let (code, body) = answer(ask(&lab, "PATCH", path).form(&form)).await;
    assert_eq!(code, 200);
    let outcome: Vec<(&Value, &Value)> = body["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|permission| (&permission["enabled"], &permission["error_code"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(outcome, [(&no, &json!(0)), (&yes, &json!(30649)), (&yes, &json!(20422))]);
    assert_eq!(get(&lab, &format!("{path}?CountryCode=FR")).await["permissions"][0]["enabled"], false);
    let form = [("To", "+33612345679"), ("From", US), ("Body", "x")];
    assert_eq!(lab.twilio("POST", "/Messages.json", &form).await.1["code"], 21408);
}
