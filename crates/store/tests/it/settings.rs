//! Saved credentials.

use dialtone_store::settings::{self, TwilioSettings, VapiSettings};
use dialtone_store::{Result, Sealed, accounts, lines};

use crate::common::{at, id, on_both, tenant};
use crate::lines::a_line;

pub(crate) fn twilio_settings(phone: Option<&str>) -> TwilioSettings {
    TwilioSettings {
        account_sid: format!("AC{}", "0".repeat(32)).parse().unwrap(),
        auth_token: Sealed::new(1, &[1, 2, 3]),
        token_last4: "beef".to_owned(),
        phone: phone.map(|phone| phone.parse().unwrap()),
        account_name: Some("Acme".to_owned()),
        account_type: None,
        account_status: Some("active".to_owned()),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn vapi_settings() -> VapiSettings {
    VapiSettings {
        api_key: Sealed::new(1, &[4, 5]),
        key_last4: "cafe".to_owned(),
        vapi_org_id: Some(id()),
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn a1_settings_are_saved_replaced_and_removed_for_one_organisation() {
    on_both(|store, _| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                assert_eq!(settings::twilio(tx, &ours)?, None);
                let first = twilio_settings(Some("+33612345678"));
                settings::put_twilio(tx, &ours, &first)?;
                assert_eq!(settings::twilio(tx, &ours)?.as_ref(), Some(&first));
                let second = TwilioSettings { phone: None, created_at: at(9), updated_at: at(9), ..first };
                settings::put_twilio(tx, &ours, &second)?;
                let kept = TwilioSettings { created_at: at(0), ..second };
                assert_eq!(settings::twilio(tx, &ours)?, Some(kept));

                let key = vapi_settings();
                settings::put_vapi(tx, &ours, &key)?;
                settings::put_vapi(tx, &ours, &key)?;
                assert_eq!(settings::vapi(tx, &ours)?, Some(key));

                assert_eq!(settings::twilio(tx, &theirs)?, None);
                assert!(!settings::delete_twilio(tx, &theirs)? && !settings::delete_vapi(tx, &theirs)?);
                assert!(settings::delete_twilio(tx, &ours)? && settings::delete_vapi(tx, &ours)?);
                assert_eq!(settings::vapi(tx, &ours)?, None);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn a5_the_worker_finds_whose_number_can_be_imported() {
    on_both(|store, _| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                settings::put_twilio(tx, &ours, &twilio_settings(Some("+33612345678")))?;
                settings::put_twilio(tx, &theirs, &twilio_settings(None))?;
                settings::put_vapi(tx, &theirs, &vapi_settings())?;
                assert_eq!(accounts::tenants_for_auto_import(tx, 10)?, []);
                settings::put_vapi(tx, &ours, &vapi_settings())?;
                assert_eq!(accounts::tenants_for_auto_import(tx, 10)?, std::slice::from_ref(&ours));
                // Another organisation's line with the number changes nothing, an own one does.
                lines::insert(tx, &theirs, &a_line("+33612345678"))?;
                assert_eq!(accounts::tenants_for_auto_import(tx, 10)?, std::slice::from_ref(&ours));
                lines::insert(tx, &ours, &a_line("+33612345678"))?;
                assert_eq!(accounts::tenants_for_auto_import(tx, 10)?, []);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}
