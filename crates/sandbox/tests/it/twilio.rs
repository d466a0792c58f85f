//! Authentication, accounts, keys, paging, XML (facts: Twilio 1 to 3).

use serde_json::json;

use crate::lab::{FR, Lab, US, answer};

const NUMBERS: &str = "/IncomingPhoneNumbers.json?PageSize=1";

#[tokio::test]
async fn wrong_credentials_get_the_exact_401() {
    let lab = Lab::new().await;
    let expected = json!({"code": 20003, "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003", "status": 401});
    let path = format!("/2010-04-01/Accounts/{}{NUMBERS}", lab.sid);
    for (user, secret) in [(lab.sid.as_str(), "wrong"), ("AC0", lab.token.as_str()), ("", "")] {
        let (status, body) = lab.twilio_as(user, secret, "GET", &path, &[]).await;
        assert_eq!((status, body), (401, expected.clone()));
    }
    let (status, body) = answer(lab.request("GET", &format!("/twilio/api{path}"))).await;
    assert_eq!((status, body), (401, expected));
}

#[tokio::test]
async fn a_rotated_token_is_dead_at_once() {
    let lab = Lab::new().await;
    let (status, account) =
        lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"rotate_token": true})).await;
    assert_eq!(status, 200);
    assert_ne!(account["auth_token"], json!(lab.token));
    assert_eq!(lab.twilio("GET", NUMBERS, &[]).await.0, 401);
}

#[tokio::test]
async fn keys_have_the_rights_of_their_type() {
    let lab = Lab::new().await;
    let (status, key) = lab.twilio("POST", "/Keys.json", &[("FriendlyName", "k")]).await;
    assert_eq!(status, 201);
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let base = format!("/2010-04-01/Accounts/{}", lab.sid);
    let cases = [
        (format!("{base}{NUMBERS}"), 200),
        (format!("{base}.json"), 401),
        (format!("{base}/Keys.json"), 401),
        // A key SID in the path.
        (format!("/2010-04-01/Accounts/{user}{NUMBERS}"), 404),
    ];
    for (path, expected) in cases {
        assert_eq!(lab_get(&lab, user, secret, &path).await, expected, "{path}");
    }
}

async fn lab_get(lab: &Lab, user: &str, secret: &str, path: &str) -> u16 {
    lab.twilio_as(user, secret, "GET", path, &[]).await.0
}

#[tokio::test]
async fn a_restricted_key_passes_one_probe_and_fails_another() {
    let lab = Lab::new().await;
    let permissions = json!(["incoming-phone-numbers/read"]);
    let body = json!({"account_sid": lab.sid, "type": "restricted", "permissions": permissions});
    let (status, key) = lab.control("POST", "/keys", body).await;
    assert_eq!(status, 201);
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let base = format!("/2010-04-01/Accounts/{}", lab.sid);
    assert_eq!(lab_get(&lab, user, secret, &format!("{base}{NUMBERS}")).await, 200);
    let sid = lab.number_sid(US).await;
    let path = format!("{base}/IncomingPhoneNumbers/{sid}.json");
    let (status, body) = lab.twilio_as(user, secret, "POST", &path, &[("FriendlyName", "x")]).await;
    assert_eq!((status, &body["code"]), (403, &json!(20003)));
}

#[tokio::test]
async fn a_deleted_key_stops_working() {
    let lab = Lab::new().await;
    let (_, key) = lab.twilio("POST", "/Keys.json", &[]).await;
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let (_, listed) = lab.twilio("GET", "/Keys.json", &[]).await;
    assert_eq!(listed["keys"][0]["sid"], key["sid"]);
    assert!(listed["keys"][0].get("secret").is_none());
    assert_eq!(lab.twilio("DELETE", &format!("/Keys/{user}.json"), &[]).await.0, 204);
    let path = format!("/2010-04-01/Accounts/{}{NUMBERS}", lab.sid);
    assert_eq!(lab_get(&lab, user, secret, &path).await, 401);
}

#[tokio::test]
async fn a_parent_acts_on_its_subaccounts_and_on_nobody_elses() {
    let lab = Lab::new().await;
    let accounts = "/2010-04-01/Accounts.json";
    let name = [("FriendlyName", "branch")];
    let (status, sub) = lab.twilio_as(&lab.sid, &lab.token, "POST", accounts, &name).await;
    assert_eq!((status, &sub["owner_account_sid"]), (201, &json!(lab.sid)));
    let (sub_sid, sub_token) = (sub["sid"].as_str().unwrap(), sub["auth_token"].as_str().unwrap());
    let numbers = format!("/2010-04-01/Accounts/{sub_sid}/IncomingPhoneNumbers.json");
    assert_eq!(lab_get(&lab, &lab.sid, &lab.token, &numbers).await, 200);
    assert_eq!(lab_get(&lab, sub_sid, sub_token, &numbers).await, 200);
    assert_eq!(
        lab.twilio_as(sub_sid, sub_token, "GET", &format!("/2010-04-01/Accounts/{}.json", lab.sid), &[])
            .await
            .1["code"],
        20404
    );
    let balance = format!("/2010-04-01/Accounts/{sub_sid}/Balance.json");
    assert_eq!(lab_get(&lab, sub_sid, sub_token, &balance).await, 404);
    assert_eq!(lab.twilio("GET", "/Balance.json", &[]).await.1["balance"], "50.00");

    let filter = format!("{accounts}?FriendlyName=branch&Status=active");
    let (_, list) = lab.twilio_as(&lab.sid, &lab.token, "GET", &filter, &[]).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1);
    let (_, list) = lab.twilio_as(&lab.sid, &lab.token, "GET", accounts, &[]).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_suspended_account_can_only_be_looked_at() {
    let lab = Lab::new().await;
    lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"status": "suspended"})).await;
    let (status, body) = lab.twilio("GET", NUMBERS, &[]).await;
    assert_eq!((status, &body["code"]), (401, &json!(20005)));
    assert_eq!(lab.twilio("GET", ".json", &[]).await.1["status"], "suspended");
    lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"status": "closed"})).await;
    assert_eq!(lab.twilio("GET", ".json", &[]).await.1["code"], 20005);
}

#[tokio::test]
async fn only_a_parent_suspends_a_subaccount() {
    let lab = Lab::new().await;
    let (status, body) = lab.twilio("POST", ".json", &[("Status", "suspended")]).await;
    assert_eq!((status, &body["code"]), (400, &json!(20010)));
    let (_, sub) = lab.twilio_as(&lab.sid, &lab.token, "POST", "/2010-04-01/Accounts.json", &[]).await;
    let path = format!("/2010-04-01/Accounts/{}.json", sub["sid"].as_str().unwrap());
    for status in ["suspended", "active"] {
        let form = [("Status", status)];
        let (_, body) = lab.twilio_as(&lab.sid, &lab.token, "POST", &path, &form).await;
        assert_eq!(body["status"], status);
    }
}

#[tokio::test]
async fn the_account_resource_contains_the_token() {
    let lab = Lab::new().await;
    let (_, account) = lab.twilio("GET", ".json", &[]).await;
    assert_eq!(account["auth_token"], json!(lab.token));
    assert_eq!(account["type"], "Full");
    assert_eq!(account["date_created"], "Thu, 01 Jan 2026 00:00:00 +0000");
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let lab = Lab::new().await;
    let (status, body) = lab.twilio("GET", "/Nothing.json", &[]).await;
    assert_eq!((status, &body["code"]), (404, &json!(20404)));
    let (status, body) = lab.twilio("DELETE", "/IncomingPhoneNumbers.json", &[]).await;
    assert_eq!((status, &body["code"]), (405, &json!(20004)));
    assert_eq!(answer(lab.request("GET", "/twilio/nothing/v1/Voice")).await.0, 404);
}

#[tokio::test]
async fn without_the_suffix_answers_are_xml() {
    let lab = Lab::new().await;
    let (status, text) = lab.twilio("GET", "/IncomingPhoneNumbers?PageSize=1", &[]).await;
    let text = text.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(text.contains("<TwilioResponse><IncomingPhoneNumbers "), "{text}");
    assert!(text.contains("<PhoneNumber>+33612345678</PhoneNumber>"), "{text}");
    let (status, text) = lab.twilio("GET", "/Nothing", &[]).await;
    assert_eq!(status, 404);
    assert!(text.as_str().unwrap().contains("<RestException><Code>20404</Code>"), "{text}");
}

#[tokio::test]
async fn pages_link_to_each_other_with_opaque_tokens() {
    let lab = Lab::new().await;
    for last in 0..5 {
        lab.control("POST", "/numbers", json!({"phone_number": format!("+1415555300{last}")})).await;
    }
    let mut path = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json?PageSize=3", lab.sid);
    let mut seen = Vec::new();
    loop {
        let (_, page) = lab.twilio_as(&lab.sid, &lab.token, "GET", &path, &[]).await;
        seen.extend(
            page["incoming_phone_numbers"].as_array().unwrap().iter().map(|n| n["phone_number"].clone()),
        );
        match page["next_page_uri"].as_str() {
            Some(next) => {
                assert!(next.contains("PageToken=PAPN") && next.starts_with("/2010-04-01/"), "{next}");
                path = next.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen[6], json!(US));
    assert_eq!(seen[5], json!(FR));
    let (status, body) = lab.twilio("GET", "/IncomingPhoneNumbers.json?PageSize=1001", &[]).await;
    assert_eq!((status, &body["code"]), (400, &json!(20007)));
}

#[tokio::test]
async fn newer_products_link_absolutely() {
    let lab = Lab::new().await;
    for name in ["a", "b"] {
        let (status, _) = lab.trunking("POST", "/v1/Trunks", &[("FriendlyName", name)]).await;
        assert_eq!(status, 201);
    }
    let (_, page) = lab.trunking("GET", "/v1/Trunks?PageSize=1", &[]).await;
    let next = page["meta"]["next_page_url"].as_str().unwrap();
    assert!(next.starts_with(&format!("{}/twilio/trunking/v1/Trunks?", lab.sandbox.url())), "{next}");
    let rest = next.strip_prefix(&format!("{}/twilio/trunking", lab.sandbox.url())).unwrap();
    let (_, page) = lab.trunking("GET", rest, &[]).await;
    assert_eq!(page["trunks"][0]["friendly_name"], "a");
    assert_eq!(page["meta"]["next_page_url"], json!(null));
}
