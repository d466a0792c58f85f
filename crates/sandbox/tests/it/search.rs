//! AvailablePhoneNumbers (facts: Twilio 4).

use serde_json::{Value, json};

use crate::lab::Lab;

async fn search(lab: &Lab, path: &str) -> Vec<Value> {
    let (status, body) = lab.twilio("GET", &format!("/AvailablePhoneNumbers/{path}"), &[]).await;
    assert_eq!(status, 200, "{path}: {body}");
    body["available_phone_numbers"].as_array().unwrap().clone()
}

#[tokio::test]
async fn six_countries_say_which_types_they_have() {
    let lab = Lab::new().await;
    let (_, list) = lab.twilio("GET", "/AvailablePhoneNumbers.json", &[]).await;
    let countries = list["countries"].as_array().unwrap();
    let mut codes: Vec<&str> = countries.iter().map(|it| it["country_code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["AU", "CA", "DE", "FR", "GB", "US"]);
    let (_, us) = lab.twilio("GET", "/AvailablePhoneNumbers/US.json", &[]).await;
    let types: Vec<&String> = us["subresource_uris"].as_object().unwrap().keys().collect();
    assert_eq!(types, ["local", "toll_free"]);
    let local = us["subresource_uris"]["local"].as_str().unwrap();
    assert_eq!(local, format!("/2010-04-01/Accounts/{}/AvailablePhoneNumbers/US/Local.json", lab.sid));
    for country in countries {
        for link in country["subresource_uris"].as_object().unwrap().values() {
            let path = link.as_str().unwrap();
            let (status, body) = lab.twilio_as(&lab.sid, &lab.token, "GET", path, &[]).await;
            assert_eq!(status, 200);
            assert!(!body["available_phone_numbers"].as_array().unwrap().is_empty(), "{path}");
        }
    }
}

#[tokio::test]
async fn unknown_countries_and_missing_types_are_404() {
    let lab = Lab::new().await;
    for path in ["/ZZ.json", "/ZZ/Local.json", "/US/Mobile.json", "/US/Voip.json", "/FR/SharedCost.json"] {
        let (status, body) = lab.twilio("GET", &format!("/AvailablePhoneNumbers{path}"), &[]).await;
        assert_eq!((status, &body["code"]), (404, &json!(20404)), "{path}");
    }
}

#[tokio::test]
async fn trap_03_capabilities_are_upper_case_in_the_search_and_lower_case_on_owned_numbers() {
    let lab = Lab::new().await;
    let found = search(&lab, "US/Local.json?AreaCode=808").await;
    assert_eq!(found[0]["capabilities"], json!({"voice": true, "SMS": true, "MMS": true}));
    let form = [("PhoneNumber", found[0]["phone_number"].as_str().unwrap())];
    let (_, owned) = lab.twilio("POST", "/IncomingPhoneNumbers.json", &form).await;
    assert_eq!(owned["capabilities"], json!({"voice": true, "sms": true, "mms": true, "fax": false}));
}

#[tokio::test]
async fn places_are_told_in_north_america_and_coordinates_are_strings() {
    let lab = Lab::new().await;
    let hilo = &search(&lab, "US/Local.json?AreaCode=808").await[0];
    let phone = hilo["phone_number"].as_str().unwrap();
    let friendly = format!("({}) {}-{}", &phone[2..5], &phone[5..8], &phone[8..]);
    for (field, expected) in [
        ("friendly_name", json!(friendly)),
        ("lata", json!("834")),
        ("rate_center", json!("HILO")),
        ("locality", json!("Hilo")),
        ("region", json!("HI")),
        ("postal_code", json!("96720")),
        ("iso_country", json!("US")),
        ("latitude", json!("19.720000")),
        ("longitude", json!("-155.090000")),
        ("address_requirements", json!("none")),
        ("beta", json!(false)),
    ] {
        assert_eq!(hilo[field], expected, "{field}");
    }
    let toll_free = &search(&lab, "US/TollFree.json").await[0];
    let paris = &search(&lab, "FR/Local.json?InLocality=paris").await[0];
    assert_eq!(paris["locality"], "Paris");
    assert_eq!(paris["friendly_name"], paris["phone_number"]);
    for field in ["lata", "rate_center", "region", "postal_code", "latitude", "longitude"] {
        assert_eq!((&toll_free[field], &paris[field]), (&json!(null), &json!(null)), "{field}");
    }
}

#[tokio::test]
async fn every_filter_keeps_what_it_says() {
    let lab = Lab::new().await;
    let first = search(&lab, "US/Local.json?InLocality=Oakland").await[0].clone();
    let oakland = first["phone_number"].as_str().unwrap().replace('+', "%2B");
    for (filter, field, expected) in [
        ("AreaCode=415".to_owned(), "region", "CA"),
        ("InRegion=NV".to_owned(), "region", "NV"),
        ("InPostalCode=10001".to_owned(), "postal_code", "10001"),
        ("InLata=132".to_owned(), "lata", "132"),
        ("InRateCenter=PHOENIX&InLata=666".to_owned(), "rate_center", "PHOENIX"),
        ("InLocality=Chicago".to_owned(), "locality", "Chicago"),
        ("NearLatLong=19.72,-155.09&Distance=10".to_owned(), "locality", "Hilo"),
        (format!("InLocality={oakland}"), "locality", "Oakland"),
        (format!("NearNumber={oakland}&Distance=5"), "locality", "Oakland"),
    ] {
        let found = search(&lab, &format!("US/Local.json?{filter}")).await;
        assert!(!found.is_empty(), "{filter}");
        assert!(found.iter().all(|number| number[field] == expected), "{filter}: {found:?}");
    }
    let near = search(&lab, &format!("US/Local.json?NearNumber={oakland}")).await;
    assert!(near.iter().any(|number| number["locality"] == "San Francisco"));
    assert!(near.iter().all(|number| number["region"] == "CA"));
}

#[tokio::test]
async fn contains_matches_digits_letters_and_wildcards() {
    let lab = Lab::new().await;
    let any = search(&lab, "US/Local.json?AreaCode=312").await[0]["phone_number"].clone();
    let any = any.as_str().unwrap();
    let patterns = [
        any[2..].to_owned(),
        format!("{}****", &any[2..8]),
        "%2B1312%25".to_owned(),
        format!("{}$", &any[8..]),
    ];
    for pattern in patterns {
        let found = search(&lab, &format!("US/Local.json?InRegion=IL&Contains={pattern}")).await;
        assert!(found.iter().any(|number| number["phone_number"] == any), "{pattern}");
    }
    for bad in ["4", "**", "1*2", "a-b"] {
        let path = format!("/AvailablePhoneNumbers/US/Local.json?Contains={bad}");
        assert_eq!(lab.twilio("GET", &path, &[]).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn capability_filters_are_positive_only() {
    let lab = Lab::new().await;
    assert!(search(&lab, "GB/Local.json?SmsEnabled=true").await.is_empty());
    assert!(!search(&lab, "GB/Local.json?SmsEnabled=false").await.is_empty());
    assert!(!search(&lab, "US/Local.json?SmsEnabled=false&MmsEnabled=false").await.is_empty());
    assert!(search(&lab, "GB/Mobile.json?MmsEnabled=true").await.is_empty());
    assert!(search(&lab, "US/Local.json?FaxEnabled=true").await.is_empty());
}

#[tokio::test]
async fn address_and_beta_filters_leave_out_what_they_name() {
    let lab = Lab::new().await;
    for (path, left) in [
        ("FR/Local.json?ExcludeLocalAddressRequired=true", false),
        ("FR/Local.json?ExcludeForeignAddressRequired=true", true),
        ("AU/Local.json?ExcludeAllAddressRequired=true", false),
        ("AU/Local.json?ExcludeLocalAddressRequired=true", true),
        ("GB/National.json?ExcludeForeignAddressRequired=true", false),
        ("DE/National.json?Beta=false", false),
        ("DE/National.json", true),
    ] {
        assert_eq!(!search(&lab, path).await.is_empty(), left, "{path}");
    }
}

#[tokio::test]
async fn bad_filters_are_refused() {
    let lab = Lab::new().await;
    for filter in [
        "InRateCenter=PHOENIX",
        "AreaCode=12",
        "Distance=501&NearLatLong=1,1",
        "NearLatLong=x",
        "NearNumber=1",
    ] {
        let path = format!("/AvailablePhoneNumbers/US/Local.json?{filter}");
        let (status, body) = lab.twilio("GET", &path, &[]).await;
        assert_eq!((status, &body["code"]), (400, &json!(20422)), "{filter}");
    }
}

#[tokio::test]
async fn trap_20_a_search_has_no_pages_and_at_most_thirty_numbers_and_reserves_nothing() {
    let lab = Lab::new().await;
    let (_, body) = lab.twilio("GET", "/AvailablePhoneNumbers/US/Local.json?PageSize=500", &[]).await;
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["available_phone_numbers", "uri"]);
    assert_eq!(body["available_phone_numbers"].as_array().unwrap().len(), 30);
    assert_eq!(search(&lab, "US/Local.json?PageSize=3").await.len(), 3);
    // Fewer than asked, and none at all, are answers too.
    assert_eq!(search(&lab, "US/Local.json?AreaCode=808&PageSize=30").await.len(), 25);
    assert!(search(&lab, "US/Local.json?InLocality=Atlantis").await.is_empty());
    // Somebody else takes the number between search and purchase.
    let phone = search(&lab, "US/Local.json?AreaCode=808").await[0]["phone_number"].clone();
    lab.control("POST", "/stock", json!({"phone_number": phone, "taken": true})).await;
    let form = [("PhoneNumber", phone.as_str().unwrap())];
    let (status, body) = lab.twilio("POST", "/IncomingPhoneNumbers.json", &form).await;
    assert_eq!((status, &body["code"]), (400, &json!(21422)));
    assert_eq!(body["message"], format!("{} is not available", phone.as_str().unwrap()));
    let left = search(&lab, "US/Local.json?AreaCode=808").await;
    assert!(left.iter().all(|number| number["phone_number"] != phone));
    lab.control("POST", "/stock", json!({"phone_number": phone, "taken": false})).await;
    assert_eq!(lab.twilio("POST", "/IncomingPhoneNumbers.json", &form).await.0, 201);
}

#[tokio::test]
async fn looking_changes_nothing_and_equal_seeds_have_equal_stocks() {
    let lab = Lab::new().await;
    let before = lab.control("GET", "/state", json!({})).await.1["numbers"].clone();
    let first = search(&lab, "CA/Local.json").await;
    assert_eq!(search(&lab, "CA/Local.json").await, first);
    assert_eq!(lab.control("GET", "/state", json!({})).await.1["numbers"], before);
    lab.control("POST", "/reset", json!({"seed": 9})).await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let account = &state["accounts"][0];
    let (sid, token) = (account["sid"].as_str().unwrap(), account["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/AvailablePhoneNumbers/CA/Local.json");
    let (_, other) = lab.twilio_as(sid, token, "GET", &path, &[]).await;
    assert_ne!(other["available_phone_numbers"], json!(first));
}

#[tokio::test]
async fn trap_11_without_the_suffix_the_search_and_the_addresses_are_xml() {
    let lab = Lab::new().await;
    let (_, text) = lab.twilio("GET", "/AvailablePhoneNumbers/US/Local?AreaCode=808&PageSize=1", &[]).await;
    let text = text.as_str().unwrap();
    assert!(text.contains("<TwilioResponse><AvailablePhoneNumbers uri="), "{text}");
    assert!(text.contains("<AvailablePhoneNumber>"), "{text}");
    assert!(text.contains("<FriendlyName>(808) "), "{text}");
    let (_, text) = lab.twilio("GET", "/AvailablePhoneNumbers/ZZ", &[]).await;
    assert!(text.as_str().unwrap().contains("<RestException><Code>20404</Code>"));
    let (_, text) = lab.twilio("GET", "/Addresses", &[]).await;
    assert!(text.as_str().unwrap().contains("<TwilioResponse><Addresses "), "{text}");
}
