//! Addresses, regulations, bundles and their review (facts: Twilio 5, 20).

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::hook::Hook;
use crate::lab::{Form, Lab, answer};

const BOUNDARY: &str = "sandbox-boundary";

fn ask(lab: &Lab, method: &str, path: &str) -> RequestBuilder {
    let path = format!("/twilio/numbers/v2/RegulatoryCompliance/{path}");
    lab.request(method, &path).basic_auth(&lab.sid, Some(&lab.token))
}

async fn get(lab: &Lab, path: &str) -> Value {
    let (status, body) = answer(ask(lab, "GET", path)).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn post(lab: &Lab, path: &str, form: Form<'_>) -> (u16, Value) {
    answer(ask(lab, "POST", path).form(form)).await
}

async fn made(lab: &Lab, path: &str, form: Form<'_>) -> String {
    let (status, body) = post(lab, path, form).await;
    assert_eq!(status, 201, "{path}: {body}");
    body["sid"].as_str().unwrap().to_owned()
}

const ADDRESS: [(&str, &str); 6] = [
    ("CustomerName", "Dialtone"),
    ("Street", "1 rue de la Paix"),
    ("City", "Paris"),
    ("Region", "Ile-de-France"),
    ("PostalCode", "75001"),
    ("IsoCountry", "FR"),
];

async fn address(lab: &Lab) -> String {
    let (status, address) = lab.twilio("POST", "/Addresses.json", &ADDRESS).await;
    assert_eq!((status, &address["validated"]), (201, &json!(true)), "{address}");
    address["sid"].as_str().unwrap().to_owned()
}

async fn bundle(lab: &Lab) -> String {
    let form = [
        ("FriendlyName", "Paris"),
        ("Email", "a@b.example"),
        ("IsoCountry", "FR"),
        ("NumberType", "mobile"),
        ("EndUserType", "business"),
    ];
    made(lab, "Bundles", &form).await
}

/// Everything that a French business needs; the SIDs to assign.
async fn papers(lab: &Lab) -> Vec<String> {
    let home = address(lab).await;
    let business = json!({"business_name": "Dialtone", "business_registration_number": "1",
        "first_name": "Ann", "last_name": "Bell"});
    let excerpt = json!({"business_name": "Dialtone", "document_number": "1"});
    let bill = json!({"address_sids": [home]});
    let mut sids = Vec::new();
    for (path, kind, attributes) in [
        ("EndUsers", "business", business),
        ("SupportingDocuments", "commercial_registrar_excerpt", excerpt),
        ("SupportingDocuments", "utility_bill", bill),
    ] {
        let attributes = attributes.to_string();
        let form = [("FriendlyName", kind), ("Type", kind), ("Attributes", attributes.as_str())];
        sids.push(made(lab, path, &form).await);
    }
    sids
}

async fn assign(lab: &Lab, bundle: &str, objects: &[String]) {
    for object in objects {
        made(lab, &format!("Bundles/{bundle}/ItemAssignments"), &[("ObjectSid", object.as_str())]).await;
    }
}

async fn review(lab: &Lab, bundle: &str, expected: &str) {
    let path = format!("Bundles/{bundle}");
    let (status, body) = post(lab, &path, &[("Status", "pending-review")]).await;
    assert_eq!((status, &body["status"]), (200, &json!("pending-review")));
    lab.control("POST", "/clock", json!({"advance_s": 61})).await;
    assert_eq!(get(lab, &path).await["status"], "in-review");
    lab.control("POST", "/clock", json!({"advance_s": 240})).await;
    assert_eq!(get(lab, &path).await["status"], expected);
}

#[tokio::test]
async fn addresses_are_made_changed_listed_and_deleted() {
    let lab = Lab::new().await;
    let sid = address(&lab).await;
    let path = format!("/Addresses/{sid}.json");
    let (status, changed) = lab.twilio("POST", &path, &[("FriendlyName", "Office")]).await;
    assert_eq!((status, &changed["street"]), (200, &json!("1 rue de la Paix")));
    for (query, count) in
        [("IsoCountry=FR", 1), ("IsoCountry=DE", 0), ("FriendlyName=Office", 1), ("EmergencyEnabled=true", 0)]
    {
        let (_, list) = lab.twilio("GET", &format!("/Addresses.json?{query}"), &[]).await;
        assert_eq!(list["addresses"].as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    assert_eq!(lab.twilio("GET", &path, &[]).await.0, 404);
}

#[tokio::test]
async fn every_field_of_an_address_is_needed_and_looked_at() {
    let lab = Lab::new().await;
    for (missing, (name, _)) in ADDRESS.iter().enumerate() {
        let form: Vec<(&str, &str)> = ADDRESS
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != missing)
            .map(|(_, pair)| *pair)
            .collect();
        let (status, body) = lab.twilio("POST", "/Addresses.json", &form).await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{name}");
    }
    let with = |changes: Form<'static>| {
        let mut form = ADDRESS.to_vec();
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        form
    };
    for (changes, code) in [
        (&[("PostalCode", "750")][..], 21628),
        (&[("IsoCountry", "ZZ")][..], 21628),
        (&[("IsoCountry", "GB"), ("PostalCode", "sw1a 1aa"), ("AutoCorrectAddress", "false")][..], 21629),
    ] {
        let (status, body) = lab.twilio("POST", "/Addresses.json", &with(changes)).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{changes:?}");
    }
    let form = with(&[("IsoCountry", "GB"), ("PostalCode", "sw1a 1aa")]);
    assert_eq!(lab.twilio("POST", "/Addresses.json", &form).await.1["postal_code"], "SW1A 1AA");
    let form = with(&[("IsoCountry", "IT"), ("PostalCode", "anything")]);
    assert_eq!(lab.twilio("POST", "/Addresses.json", &form).await.1["validated"], false);
}

#[tokio::test]
async fn an_address_names_the_numbers_that_need_it() {
    let lab = Lab::new().await;
    let home = address(&lab).await;
    let form = [("PhoneNumber", "+61255553000"), ("AddressSid", home.as_str())];
    let (status, number) = lab.twilio("POST", "/IncomingPhoneNumbers.json", &form).await;
    assert_eq!(status, 201, "{number}");
    let path = format!("/Addresses/{home}/DependentPhoneNumbers.json");
    let (_, list) = lab.twilio("GET", &path, &[]).await;
    let dependent = &list["dependent_phone_numbers"][0];
    assert_eq!(dependent["sid"], number["sid"]);
    assert_eq!(dependent["capabilities"], json!({"Voice": true, "SMS": false, "MMS": false}));
    let (status, body) = lab.twilio("DELETE", &format!("/Addresses/{home}.json"), &[]).await;
    assert_eq!((status, &body["code"]), (409, &json!(20409)));
}

#[tokio::test]
async fn regulations_exist_where_a_bundle_is_needed() {
    let lab = Lab::new().await;
    let of = async |query: &str| get(&lab, &format!("Regulations?{query}")).await["results"].clone();
    assert_eq!(of("IsoCountry=US").await, json!([]));
    let found = of("IsoCountry=GB&NumberType=mobile&EndUserType=business").await;
    let regulation = &found[0];
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(regulation["friendly_name"], "United Kingdom: Mobile - Business");
    assert_eq!(regulation["requirements"]["end_user"][0]["type"], "business");
    let path = format!("Regulations/{}", regulation["sid"].as_str().unwrap());
    assert_eq!(&get(&lab, &path).await, regulation);
    for types in ["EndUserTypes", "SupportingDocumentTypes"] {
        let key = if types == "EndUserTypes" { "end_user_types" } else { "supporting_document_types" };
        let first = get(&lab, types).await[key][0].clone();
        assert_eq!(get(&lab, &format!("{types}/{}", first["sid"].as_str().unwrap())).await, first);
    }
}

#[tokio::test]
async fn a_complete_bundle_is_approved_and_buys_a_number() {
    let lab = Lab::new().await;
    let (bundle, papers) = (bundle(&lab).await, papers(&lab).await);
    assign(&lab, &bundle, &papers).await;
    let (status, evaluation) = post(&lab, &format!("Bundles/{bundle}/Evaluations"), &[]).await;
    assert_eq!((status, &evaluation["status"]), (201, &json!("compliant")), "{evaluation}");
    review(&lab, &bundle, "twilio-approved").await;
    let document = get(&lab, &format!("SupportingDocuments/{}", papers[1])).await;
    assert_eq!(document["status"], "approved");
    let (_, found) = lab.twilio("GET", "/AvailablePhoneNumbers/FR/Mobile.json", &[]).await;
    let phone = found["available_phone_numbers"][0]["phone_number"].as_str().unwrap();
    let form = [("PhoneNumber", phone), ("BundleSid", bundle.as_str())];
    assert_eq!(lab.twilio("POST", "/IncomingPhoneNumbers.json", &form).await.0, 201);
    // In use it stays, and what is in it cannot be changed.
    assert_eq!(answer(ask(&lab, "DELETE", &format!("Bundles/{bundle}"))).await.0, 409);
    let path = format!("Bundles/{bundle}/ItemAssignments");
    assert_eq!(post(&lab, &path, &[("ObjectSid", &papers[0])]).await.0, 409);
    assert_eq!(answer(ask(&lab, "DELETE", &format!("EndUsers/{}", papers[0]))).await.0, 409);
}

#[tokio::test]
async fn an_incomplete_bundle_is_rejected_and_can_be_mended() {
    let lab = Lab::new().await;
    let (bundle, papers) = (bundle(&lab).await, papers(&lab).await);
    assign(&lab, &bundle, &papers[..1]).await;
    let (_, evaluation) = post(&lab, &format!("Bundles/{bundle}/Evaluations"), &[]).await;
    assert_eq!(evaluation["status"], "noncompliant");
    let codes: Vec<&Value> =
        evaluation["results"].as_array().unwrap().iter().map(|result| &result["error_code"]).collect();
    assert_eq!(codes, [&json!(null), &json!(22216), &json!(22216)]);
    let path = format!("Bundles/{bundle}/Evaluations/{}", evaluation["sid"].as_str().unwrap());
    assert_eq!(get(&lab, &path).await["results"], evaluation["results"]);
    review(&lab, &bundle, "twilio-rejected").await;
    assign(&lab, &bundle, &papers[1..]).await;
    review(&lab, &bundle, "twilio-approved").await;
}

#[tokio::test]
async fn a_missing_field_and_an_unknown_address_are_named() {
    let lab = Lab::new().await;
    let bundle = bundle(&lab).await;
    let absent = json!({"address_sids": [format!("AD{}", "0".repeat(32))]}).to_string();
    let nameless = json!({"business_name": "Dialtone"}).to_string();
    for (path, kind, attributes) in
        [("EndUsers", "business", &nameless), ("SupportingDocuments", "utility_bill", &absent)]
    {
        let form = [("FriendlyName", kind), ("Type", kind), ("Attributes", attributes)];
        let sid = made(&lab, path, &form).await;
        assign(&lab, &bundle, &[sid]).await;
    }
    let (_, evaluation) = post(&lab, &format!("Bundles/{bundle}/Evaluations"), &[]).await;
    let codes: Vec<&Value> =
        evaluation["results"].as_array().unwrap().iter().map(|result| &result["error_code"]).collect();
    assert_eq!(codes, [&json!(22215), &json!(22216), &json!(22219)]);
    assert_eq!(evaluation["results"][0]["valid"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_objects_are_refused() {
    let lab = Lab::new().await;
    let bundle = bundle(&lab).await;
    let items = format!("Bundles/{bundle}/ItemAssignments");
    let absent = format!("IT{}", "0".repeat(32));
    for (path, form, code) in [
        ("EndUsers", &[("FriendlyName", "x"), ("Type", "robot")][..], 20422),
        ("EndUsers", &[("FriendlyName", "x")][..], 20001),
        ("EndUsers", &[("FriendlyName", "x"), ("Type", "business"), ("Attributes", "{")][..], 20422),
        ("Bundles", &[("FriendlyName", "x"), ("Email", "a@b.example"), ("IsoCountry", "US")][..], 20422),
        (items.as_str(), &[("ObjectSid", absent.as_str())][..], 20422),
    ] {
        let (status, body) = post(&lab, path, form).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{path} {form:?}");
    }
    let (_, other) = lab.control("POST", "/accounts", json!({})).await;
    let path = format!("/twilio/numbers/v2/RegulatoryCompliance/Bundles/{bundle}");
    let (sid, token) = (other["sid"].as_str().unwrap(), other["auth_token"].as_str().unwrap());
    assert_eq!(answer(lab.request("GET", &path).basic_auth(sid, Some(token))).await.0, 404);
}

#[tokio::test]
async fn bundles_are_filtered_copied_and_cloned() {
    let lab = Lab::new().await;
    let (bundle, papers) = (bundle(&lab).await, papers(&lab).await);
    assign(&lab, &bundle, &papers).await;
    for (query, count) in [
        ("Status=draft", 1),
        ("Status=in-review", 0),
        ("IsoCountry=FR&NumberType=mobile", 1),
        ("IsoCountry=GB", 0),
        ("EndUserType=individual", 0),
        ("FriendlyName=Paris", 1),
    ] {
        let list = get(&lab, &format!("Bundles?{query}")).await;
        assert_eq!(list["results"].as_array().unwrap().len(), count, "{query}");
    }
    let (status, copy) = post(&lab, &format!("Bundles/{bundle}/Copies"), &[]).await;
    assert_eq!((status, &copy["status"]), (201, &json!("draft")), "{copy}");
    let copies = get(&lab, &format!("Bundles/{bundle}/Copies")).await;
    assert_eq!(copies["results"][0]["sid"], copy["sid"]);
    let items = get(&lab, &format!("Bundles/{}/ItemAssignments", copy["sid"].as_str().unwrap())).await;
    assert_eq!(items["results"].as_array().unwrap().len(), 3);
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let form = [("TargetAccountSid", sub["sid"].as_str().unwrap()), ("MoveToDraft", "true")];
    let (status, clone) = post(&lab, &format!("Bundles/{bundle}/Clones"), &form).await;
    assert_eq!((status, &clone["account_sid"]), (201, &sub["sid"]), "{clone}");
    let form = [("FromBundleSid", copy["sid"].as_str().unwrap())];
    assert_eq!(post(&lab, &format!("Bundles/{bundle}/ReplaceItems"), &form).await.0, 201);
    let items = get(&lab, &format!("Bundles/{bundle}/ItemAssignments")).await;
    assert_eq!(items["results"].as_array().unwrap().len(), 3);
    let item = format!("Bundles/{bundle}/ItemAssignments/{}", items["results"][0]["sid"].as_str().unwrap());
    assert_eq!(get(&lab, &item).await["bundle_sid"], bundle);
    assert_eq!(answer(ask(&lab, "DELETE", &item)).await.0, 204);
    assert_eq!(answer(ask(&lab, "DELETE", &format!("Bundles/{bundle}"))).await.0, 204);
}

async fn upload(lab: &Lab, content_type: &str, file: &str) -> (u16, Value) {
    let fields =
        [("FriendlyName", "Pass"), ("Type", "passport"), ("Attributes", "{\"first_name\": \"Ann\"}")];
    let mut body = String::new();
    for (name, value) in fields {
        body +=
            &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"File\"; filename=\"pass\"\r\n\
         Content-Type: {content_type}\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    let request = lab
        .request("POST", "/twilio/numbers-upload/v2/RegulatoryCompliance/SupportingDocuments")
        .basic_auth(&lab.sid, Some(&lab.token))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    answer(request.body(body)).await
}

#[tokio::test]
async fn documents_are_uploaded_to_a_host_of_their_own() {
    let lab = Lab::new().await;
    let (status, document) = upload(&lab, "application/pdf", "%PDF-1.7").await;
    assert_eq!((status, &document["mime_type"]), (201, &json!("application/pdf")), "{document}");
    assert_eq!(document["attributes"]["first_name"], "Ann");
    let found = get(&lab, &format!("SupportingDocuments/{}", document["sid"].as_str().unwrap())).await;
    assert_eq!((&found["sid"], &found["url"]), (&document["sid"], &document["url"]));
    // A file that cannot be read leaves its type empty.
    assert_eq!(upload(&lab, "text/plain", "hello").await.1["mime_type"], "");
    assert_eq!(upload(&lab, "image/png", "").await.1["mime_type"], "");
}

#[tokio::test]
async fn a_bundles_callback_is_told_of_every_step_of_the_review() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let bundle = bundle(&lab).await;
    let url = hook.url("/bundles");
    post(&lab, &format!("Bundles/{bundle}"), &[("StatusCallback", url.as_str())]).await;
    review(&lab, &bundle, "twilio-rejected").await;
    let told: Vec<Option<String>> = hook.at("/bundles").iter().map(|seen| seen.field("Status")).collect();
    assert_eq!(told, [Some("in-review".to_owned()), Some("twilio-rejected".to_owned())]);
    assert_eq!(hook.at("/bundles")[0].field("BundleSid"), Some(bundle));
}
