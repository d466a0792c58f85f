//! The verification of toll-free numbers (T15, messaging_v1 [S]).

use hyper::Method;
use serde_json::{Value, json};

use super::registration::Review;
use super::{fix, fresh, located, require};
use crate::geo;
use crate::http::{Object, text};
use crate::twilio::errors::Problem;
use crate::twilio::params::{self, Kind, Param, Unset, param};
use crate::twilio::{Answer, Ctx, Route, paging};

/// Where it answers.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Tollfree/Verifications",
        area: "messaging",
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Tollfree/Verifications/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
];

/// A text of the verification, by its parameter's and its field's name.
const fn words(name: &'static str, field: &'static str) -> Param {
    param(name, field, Kind::Text(1_000), Unset::Null)
}

const OPT_IN: &[&str] =
    &["VERBAL", "WEB_FORM", "PAPER_FORM", "VIA_TEXT", "MOBILE_QR_CODE", "IMPORT", "IMPORT_PLEASE_REPLACE"];
const BUSINESS: &[&str] = &["PRIVATE_PROFIT", "PUBLIC_PROFIT", "SOLE_PROPRIETOR", "NON_PROFIT", "GOVERNMENT"];
const AUTHORITIES: &[&str] = &[
    "EIN",
    "CBN",
    "CRN",
    "PROVINCIAL_NUMBER",
    "VAT",
    "ACN",
    "ABN",
    "BRN",
    "SIREN",
    "SIRET",
    "NZBN",
    "USt-IdNr",
    "CIF",
    "NIF",
    "CNPJ",
    "UID",
    "NEQ",
    "OTHER",
];

const VERIFICATION: &[Param] = &[
    words("BusinessName", "business_name"),
    words("BusinessWebsite", "business_website"),
    words("NotificationEmail", "notification_email"),
    words("UseCaseSummary", "use_case_summary"),
    words("ProductionMessageSample", "production_message_sample"),
    param("OptInType", "opt_in_type", Kind::OneOf(OPT_IN), Unset::Null),
    words("MessageVolume", "message_volume"),
    param("TollfreePhoneNumberSid", "tollfree_phone_number_sid", Kind::Sid("PN", 20423), Unset::Null),
    param("CustomerProfileSid", "customer_profile_sid", Kind::Sid("BU", 20423), Unset::Null),
    words("BusinessStreetAddress", "business_street_address"),
    words("BusinessStreetAddress2", "business_street_address2"),
    words("BusinessCity", "business_city"),
    words("BusinessStateProvinceRegion", "business_state_province_region"),
    words("BusinessPostalCode", "business_postal_code"),
    words("BusinessCountry", "business_country"),
    words("AdditionalInformation", "additional_information"),
    words("BusinessContactFirstName", "business_contact_first_name"),
    words("BusinessContactLastName", "business_contact_last_name"),
    words("BusinessContactEmail", "business_contact_email"),
    words("BusinessContactPhone", "business_contact_phone"),
    words("ExternalReferenceId", "external_reference_id"),
    words("BusinessRegistrationNumber", "business_registration_number"),
    param(
        "BusinessRegistrationAuthority",
        "business_registration_authority",
        Kind::OneOf(AUTHORITIES),
        Unset::Null,
    ),
    words("BusinessRegistrationCountry", "business_registration_country"),
    param("BusinessType", "business_type", Kind::OneOf(BUSINESS), Unset::Null),
    words("BusinessRegistrationPhoneNumber", "business_registration_phone_number"),
    words("DoingBusinessAs", "doing_business_as"),
    words("OptInConfirmationMessage", "opt_in_confirmation_message"),
    words("HelpMessageSample", "help_message_sample"),
    param("PrivacyPolicyUrl", "privacy_policy_url", Kind::Url, Unset::Null),
    param("TermsAndConditionsUrl", "terms_and_conditions_url", Kind::Url, Unset::Null),
    param("AgeGatedContent", "age_gated_content", Kind::Bool, Unset::Null),
    param("VettingProvider", "vetting_provider", Kind::OneOf(&["CAMPAIGN_VERIFY"]), Unset::Null),
    words("VettingId", "vetting_id"),
];

const LISTS: &[(&str, &str)] = &[
    ("UseCaseCategories", "use_case_categories"),
    ("OptInImageUrls", "opt_in_image_urls"),
    ("OptInKeywords", "opt_in_keywords"),
];

const REQUIRED: &[&str] = &[
    "BusinessName",
    "BusinessWebsite",
    "NotificationEmail",
    "UseCaseCategories",
    "UseCaseSummary",
    "ProductionMessageSample",
    "OptInImageUrls",
    "OptInType",
    "MessageVolume",
    "TollfreePhoneNumberSid",
];

fn shown(ctx: &Ctx<'_>, row: &Object) -> Object {
    located(ctx, row, "Tollfree/Verifications")
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let query = &ctx.query;
    let (number, status) = (query.filled("TollfreePhoneNumberSid"), query.filled("Status"));
    let wanted = |row: &&Object| {
        ctx.owns(row)
            && number.is_none_or(|sid| text(row, "tollfree_phone_number_sid") == Some(sid))
            && status.is_none_or(|status| text(row, "status") == Some(status))
    };
    let items = ctx.world.twilio.texting.verifications.iter().rev().filter(wanted);
    paging::absolute(ctx, "verifications", items, |row| shown(ctx, &row))
}

fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    require(ctx, REQUIRED)?;
    let sid = ctx.form.filled("TollfreePhoneNumberSid").unwrap_or_default();
    let number = ctx.world.twilio.numbers.rows().get(sid).filter(|number| ctx.owns(number));
    let phone = number.and_then(|number| text(number, "phone_number"));
    let Some(phone) = phone.filter(|phone| geo::kind(phone) == geo::Kind::TollFree).map(str::to_owned) else {
        return Err(Problem::new(20422, "TollfreePhoneNumberSid is not a toll-free number of this account"));
    };
    let mut row = fresh(ctx, "HH", &[VERIFICATION]);
    let fields = [
        ("tollfree_phone_number", json!(phone)),
        ("status", json!("PENDING_REVIEW")),
        ("trust_product_sid", Value::Null),
        ("regulated_item_sid", Value::Null),
        ("rejection_reason", Value::Null),
        ("error_code", Value::Null),
        ("edit_expiration", Value::Null),
        ("edit_allowed", Value::Null),
        ("rejection_reasons", Value::Null),
        ("resource_links", json!({})),
        ("vetting_id_expiration", Value::Null),
    ];
    fix(&mut row, &fields);
    let row = configured(ctx, row)?;
    ctx.world.submit(Review::TollFree(text(&row, "sid").unwrap_or_default().to_owned()));
    Ok(Answer::item(201, "Verification", shown(ctx, &row)))
}

fn configured(ctx: &mut Ctx<'_>, mut row: Object) -> Result<Object, Problem> {
    params::apply(&[VERIFICATION], &ctx.form, &mut row)?;
    for (name, field) in LISTS {
        let values = ctx.form.all(name);
        if !values.is_empty() || !row.contains_key(*field) {
            row.insert((*field).to_owned(), json!(values));
        }
    }
    ctx.world.twilio.texting.verifications.put(row.clone());
    Ok(row)
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = ctx.own(&ctx.world.twilio.texting.verifications)?;
    Ok(Answer::item(200, "Verification", shown(ctx, row)))
}

fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = ctx.own(&ctx.world.twilio.texting.verifications)?.clone();
    let row = configured(ctx, row)?;
    Ok(Answer::item(202, "Verification", shown(ctx, &row)))
}

fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.texting.verifications)?;
    ctx.world.twilio.texting.verifications.remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}
