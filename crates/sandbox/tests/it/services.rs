//! Messaging Services, their pools, and the registration of US senders (T15).

use serde_json::{Value, json};

use crate::lab::{FR, Form, Lab, US};
use crate::texting::PERSON;

const TOLL_FREE: &str = "+18005550100";

#[tokio::test]
async fn services_are_made_changed_and_deleted() {
    let lab = Lab::new().await;
    assert_eq!(lab.messaging("POST", "/Services", &[]).await.0, 400);
    let sid = lab.service(&[("InboundRequestUrl", "https://a.example/in")], &[FR]).await;
    let path = format!("/Services/{sid}");
    let (_, service) = lab.messaging("GET", &path, &[]).await;
    assert_eq!(service["inbound_request_url"], "https://a.example/in");
    assert_eq!(service["us_app_to_person_registered"], false);
    assert!(service["links"]["phone_numbers"].as_str().unwrap().ends_with(&format!("{sid}/PhoneNumbers")));
    let (_, service) = lab.messaging("POST", &path, &[("InboundRequestUrl", "")]).await;
    assert_eq!((&service["inbound_request_url"], &service["friendly_name"]), (&Value::Null, &json!("Texts")));
    let (_, list) = lab.messaging("GET", "/Services", &[]).await;
    assert_eq!((&list["meta"]["key"], &list["services"][0]["sid"]), (&json!("services"), &json!(sid)));
    assert_eq!(lab.messaging("DELETE", &path, &[]).await.0, 204);
    assert_eq!(lab.messaging("GET", &path, &[]).await.1["code"], 20404);
    lab.service(&[], &[FR]).await;
}

#[tokio::test]
async fn a_number_is_in_one_service_at_most() {
    let lab = Lab::new().await;
    let (one, two) = (lab.service(&[], &[US]).await, lab.service(&[], &[]).await);
    let number = lab.number_sid(US).await;
    let form = [("PhoneNumberSid", number.as_str())];
    let pool = |service: &str| format!("/Services/{service}/PhoneNumbers");
    assert_eq!(lab.messaging("POST", &pool(&one), &form).await.1["code"], 21710);
    assert_eq!(lab.messaging("POST", &pool(&two), &form).await.1["code"], 21712);
    let (_, list) = lab.messaging("GET", &pool(&one), &[]).await;
    let item = &list["phone_numbers"][0];
    assert_eq!((&item["sid"], &item["service_sid"]), (&json!(number), &json!(one)));
    // An array here, unlike everywhere else.
    assert_eq!(item["capabilities"], json!(["MMS", "SMS", "Voice"]));
    let path = format!("{}/{number}", pool(&one));
    assert_eq!(lab.messaging("DELETE", &path, &[]).await.0, 204);
    assert_eq!(lab.messaging("GET", &path, &[]).await.0, 404);
    assert_eq!(lab.messaging("POST", &pool(&two), &form).await.0, 201);
    let unknown = [("PhoneNumberSid", "PN00000000000000000000000000000000")];
    assert_eq!(lab.messaging("POST", &pool(&two), &unknown).await.0, 404);
}

#[tokio::test]
async fn a_service_chooses_the_nearest_sender_and_stays_with_it() {
    let lab = Lab::new().await;
    for phone in ["+12125550123", "+14155552680"] {
        lab.own(phone).await;
    }
    let service = lab.service(&[], &["+12125550123", "+14155552680", FR]).await;
    let sender = async |to: &str| {
        let sid = lab.sent(&[("MessagingServiceSid", &service), ("To", to), ("Body", "x")]).await;
        lab.advance(5.0).await;
        lab.message(&sid).await["from"].as_str().unwrap().to_owned()
    };
    assert_eq!(sender(PERSON).await, "+14155552680");
    assert_eq!(sender("+12125550199").await, "+12125550123");
    assert_eq!(sender("+33712345678").await, FR);
    lab.own("+14155552681").await;
    let number = lab.number_sid("+14155552681").await;
    lab.messaging("POST", &format!("/Services/{service}/PhoneNumbers"), &[("PhoneNumberSid", &number)]).await;
    assert_eq!(sender(PERSON).await, "+14155552680");
}

#[tokio::test]
async fn names_can_send_where_they_are_shown() {
    let lab = Lab::new().await;
    let service = lab.service(&[], &[]).await;
    let path = format!("/Services/{service}/AlphaSenders");
    let (status, name) = lab.messaging("POST", &path, &[("AlphaSender", "DIALTONE")]).await;
    assert_eq!((status, &name["alpha_sender"]), (201, &json!("DIALTONE")));
    assert_eq!(lab.messaging("POST", &path, &[("AlphaSender", "far too long a name")]).await.0, 400);
    let sid = lab.sent(&[("MessagingServiceSid", &service), ("To", "+33712345678"), ("Body", "x")]).await;
    lab.advance(10.0).await;
    let message = lab.message(&sid).await;
    assert_eq!((&message["from"], &message["status"]), (&json!("DIALTONE"), &json!("delivered")));
    let us = [("MessagingServiceSid", service.as_str()), ("To", PERSON), ("Body", "x")];
    assert_eq!(lab.refused(&us).await, 21703);
    let (_, list) = lab.messaging("GET", &path, &[]).await;
    assert_eq!(list["alpha_senders"].as_array().unwrap().len(), 1);
    let path = format!("{path}/{}", name["sid"].as_str().unwrap());
    assert_eq!(lab.messaging("GET", &path, &[]).await.0, 200);
    assert_eq!(lab.messaging("DELETE", &path, &[]).await.0, 204);
    let (_, codes) = lab.messaging("GET", &format!("/Services/{service}/ShortCodes"), &[]).await;
    assert_eq!(codes["short_codes"], json!([]));
}

const CAMPAIGN: Form<'static> = &[
    ("Description", "Answers to guests of a hotel who wrote first."),
    ("MessageFlow", "Guests text the number on their booking."),
    ("MessageSamples", "Your room is ready."),
    ("MessageSamples", "Breakfast is from seven."),
    ("UsAppToPersonUsecase", "CUSTOMER_CARE"),
    ("HasEmbeddedLinks", "false"),
    ("HasEmbeddedPhone", "false"),
];

#[tokio::test]
async fn trap_10_a_campaign_opens_the_us_networks() {
    let lab = Lab::new().await;
    let profile = ("CustomerProfileBundleSid", "BU00000000000000000000000000000001");
    let form = [profile, ("A2PProfileBundleSid", "BU00000000000000000000000000000002")];
    let (status, brand) = lab.messaging("POST", "/a2p/BrandRegistrations", &form).await;
    assert_eq!((status, &brand["status"]), (201, &json!("PENDING")));
    let brand = brand["sid"].as_str().unwrap();
    let service = lab.service(&[], &[US]).await;
    let path = format!("/Services/{service}/Compliance/Usa2p");
    let campaign = [CAMPAIGN, &[("BrandRegistrationSid", brand)]].concat();
    assert_eq!(lab.messaging("POST", &path, &campaign).await.0, 400, "the brand is not approved yet");
    lab.advance(700.0).await;
    let (_, shown) = lab.messaging("GET", &format!("/a2p/BrandRegistrations/{brand}"), &[]).await;
    assert_eq!(shown["status"], "APPROVED");
    let (status, made) = lab.messaging("POST", &path, &campaign).await;
    assert_eq!((status, &made["campaign_status"]), (201, &json!("PENDING")), "{made}");
    assert_eq!(made["message_samples"].as_array().unwrap().len(), 2);
    assert_eq!(lab.messaging("POST", &path, &campaign).await.0, 409);
    let text = [("From", US), ("To", PERSON), ("Body", "x")];
    let sid = lab.sent(&text).await;
    assert_eq!(lab.end(&sid).await.1, json!(30035));
    lab.advance(1_300.0).await;
    let path = format!("{path}/{}", made["sid"].as_str().unwrap());
    let (_, verified) = lab.messaging("GET", &path, &[]).await;
    assert_eq!(verified["campaign_status"], "VERIFIED");
    let (_, shown) = lab.messaging("GET", &format!("/Services/{service}"), &[]).await;
    assert_eq!(shown["us_app_to_person_registered"], true);
    let sid = lab.sent(&text).await;
    assert_eq!(lab.end(&sid).await.0, "delivered");
    assert_eq!(lab.messaging("DELETE", &path, &[]).await.0, 204);
    let sid = lab.sent(&text).await;
    assert_eq!(lab.end(&sid).await.1, json!(30034));
}

#[tokio::test]
async fn trap_10_a_toll_free_number_is_verified() {
    let lab = Lab::new().await;
    lab.own(TOLL_FREE).await;
    let (toll_free, local) = (lab.number_sid(TOLL_FREE).await, lab.number_sid(US).await);
    let form = |number: &'static str| {
        [
            ("BusinessName", "Hotel"),
            ("BusinessWebsite", "https://hotel.example"),
            ("NotificationEmail", "desk@hotel.example"),
            ("UseCaseCategories", "CUSTOMER_CARE"),
            ("UseCaseSummary", "Answers to guests"),
            ("ProductionMessageSample", "Your room is ready."),
            ("OptInImageUrls", "https://hotel.example/opt-in.png"),
            ("OptInType", "VERBAL"),
            ("MessageVolume", "100"),
            ("TollfreePhoneNumberSid", number),
        ]
    };
    let path = "/Tollfree/Verifications";
    assert_eq!(lab.messaging("POST", path, &form(local.leak())).await.0, 400);
    let (status, made) = lab.messaging("POST", path, &form(toll_free.leak())).await;
    assert_eq!((status, &made["status"]), (201, &json!("PENDING_REVIEW")), "{made}");
    assert_eq!((&made["tollfree_phone_number"], &made["opt_in_type"]), (&json!(TOLL_FREE), &json!("VERBAL")));
    let text = [("From", TOLL_FREE), ("To", PERSON), ("Body", "x")];
    let sid = lab.sent(&text).await;
    assert_eq!(lab.end(&sid).await.1, json!(30032));
    lab.advance(1_300.0).await;
    let path = format!("{path}/{}", made["sid"].as_str().unwrap());
    assert_eq!(lab.messaging("GET", &path, &[]).await.1["status"], "TWILIO_APPROVED");
    let sid = lab.sent(&text).await;
    assert_eq!(lab.end(&sid).await.0, "delivered");
    let (status, changed) = lab.messaging("POST", &path, &[("BusinessName", "Inn")]).await;
    assert_eq!((status, &changed["business_name"]), (202, &json!("Inn")));
    assert_eq!(lab.messaging("DELETE", &path, &[]).await.0, 204);
}
