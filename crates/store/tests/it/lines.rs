//! Lines.

use dialtone_domain::line::SmsOwner;
use dialtone_store::lines::{self, Line, LineDetails, VapiIds};
use dialtone_store::{Cursor, Result, Sealed};
use serde_json::json;

use crate::common::{at, id, on_both, tenant};

pub(crate) fn a_line(phone: &str) -> Line {
    Line {
        id: id(),
        phone: phone.parse().unwrap(),
        friendly_name: "Accueil ☎".to_owned(),
        notes: String::new(),
        assistant_id: Some(id()),
        sms_owner: SmsOwner::Vapi,
        server_url: None,
        server_secret: Some(Sealed::new(1, &[0, 255])),
        twilio_account_sid: format!("AC{}", "1".repeat(32)).parse().unwrap(),
        twilio_auth_token: Sealed::new(1, &[9]),
        vapi_phone_id: None,
        vapi_credential_id: None,
        vapi_org_id: None,
        vapi_token: Some("ab12".to_owned()),
        import_refusal: None,
        health: "unknown".to_owned(),
        failing_check: None,
        report: None,
        checked_at: None,
        created_by: Some(id()),
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn d3_a_line_keeps_all_that_is_written_and_d4_a_number_is_an_organisations_once() {
    on_both(|store, _| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                let mut line = a_line("+33612345678");
                assert!(lines::insert(tx, &ours, &line)?);
                assert_eq!(lines::get(tx, &ours, line.id)?.as_ref(), Some(&line));
                assert_eq!(lines::by_phone(tx, &ours, &line.phone)?.as_ref(), Some(&line));
                assert!(!lines::insert(tx, &ours, &a_line("+33612345678"))?);
                assert!(lines::insert(tx, &theirs, &a_line("+33612345678"))?);

                let details = LineDetails {
                    friendly_name: "Neu".to_owned(),
                    notes: "n".to_owned(),
                    assistant_id: None,
                    sms_owner: SmsOwner::Twilio,
                    server_url: Some("https://example.com".to_owned()),
                    server_secret: None,
                    twilio_account_sid: format!("AC{}", "2".repeat(32)).parse().unwrap(),
                    twilio_auth_token: Sealed::new(1, &[8]),
                };
                let ids = VapiIds {
                    phone_id: Some(id()),
                    credential_id: Some("c".to_owned()),
                    org_id: Some(id()),
                    token: Some("cd34".to_owned()),
                };
                assert!(lines::update_details(tx, &ours, line.id, &details, at(1))?);
                assert!(lines::record_vapi(tx, &ours, line.id, &ids, at(2))?);
                assert!(lines::record_refusal(tx, &ours, line.id, Some(&json!({"code": 1})), at(3))?);
                let report = json!([{"check": "linked"}]);
                assert!(lines::record_report(tx, &ours, line.id, "failing", Some("linked"), &report, at(4))?);
                line = Line {
                    friendly_name: details.friendly_name.clone(),
                    notes: details.notes.clone(),
                    assistant_id: None,
                    sms_owner: SmsOwner::Twilio,
                    server_url: details.server_url.clone(),
                    server_secret: None,
                    twilio_account_sid: details.twilio_account_sid.clone(),
                    twilio_auth_token: Sealed::new(1, &[8]),
                    vapi_phone_id: ids.phone_id,
                    vapi_credential_id: ids.credential_id.clone(),
                    vapi_token: ids.token.clone(),
                    vapi_org_id: ids.org_id,
                    import_refusal: Some(json!({"code": 1})),
                    health: "failing".to_owned(),
                    failing_check: Some("linked".to_owned()),
                    report: Some(report),
                    checked_at: Some(at(4)),
                    updated_at: at(3),
                    ..line
                };
                assert_eq!(lines::get(tx, &ours, line.id)?.as_ref(), Some(&line));
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn d6_a_line_of_another_organisation_is_neither_seen_nor_changed() {
    on_both(|store, _| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                let line = a_line("+33612345678");
                lines::insert(tx, &theirs, &line)?;
                assert_eq!(lines::get(tx, &ours, line.id)?, None);
                assert_eq!(lines::by_phone(tx, &ours, &line.phone)?, None);
                assert_eq!(lines::page(tx, &ours, None, 10)?, []);
                assert!(!lines::record_vapi(tx, &ours, line.id, &VapiIds::default(), at(1))?);
                assert!(!lines::record_report(tx, &ours, line.id, "ok", None, &json!([]), at(1))?);
                assert!(!lines::remove(tx, &ours, line.id)?);
                assert_eq!(lines::get(tx, &theirs, line.id)?, Some(line.clone()));
                assert!(lines::remove(tx, &theirs, line.id)?);
                assert_eq!(lines::get(tx, &theirs, line.id)?, None);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn pages_give_every_line_once_also_where_many_are_of_one_moment() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                for number in 0..23 {
                    let line =
                        Line { created_at: at(number / 5), ..a_line(&format!("+336123456{number:02}")) };
                    assert!(lines::insert(tx, &tenant, &line)?);
                }
                let mut seen: Vec<Line> = Vec::new();
                loop {
                    let after = seen.last().map(|line| Cursor { created_at: line.created_at, id: line.id });
                    let page = lines::page(tx, &tenant, after, 4)?;
                    if page.is_empty() {
                        break;
                    }
                    seen.extend(page);
                }
                assert_eq!(seen.len(), 23);
                assert!(seen.is_sorted_by_key(|line| std::cmp::Reverse((line.created_at, line.id))));
                Ok(())
            })
            .await;
        result.unwrap();
    });
}
