//! US A2P 10DLC: brands, and campaigns tied to a service (T15, messaging_v1 [S]).

use hyper::Method;
use serde_json::{Value, json};

use super::registration::Review;
use super::{fix, fresh, located, require, service, within};
use crate::http::{Object, text};
use crate::ids::is_sid;
use crate::twilio::errors::Problem;
use crate::twilio::params::{self, Kind, Param, Unset, param};
use crate::twilio::{Answer, Ctx, Route, paging};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "a2p/BrandRegistrations",
        area: "messaging",
        methods: &[(Method::GET, list_brands), (Method::POST, create_brand)],
    },
    Route {
        pattern: "a2p/BrandRegistrations/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch_brand), (Method::POST, update_brand)],
    },
    Route {
        pattern: "Services/{}/Compliance/Usa2p",
        area: "messaging",
        methods: &[(Method::GET, list_campaigns), (Method::POST, create_campaign)],
    },
    Route {
        pattern: "Services/{}/Compliance/Usa2p/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch_campaign), (Method::DELETE, delete_campaign)],
    },
];

const BRAND: &[Param] = &[
    param("CustomerProfileBundleSid", "customer_profile_bundle_sid", Kind::Sid("BU", 20423), Unset::Null),
    param("A2PProfileBundleSid", "a2p_profile_bundle_sid", Kind::Sid("BU", 20423), Unset::Null),
    param("BrandType", "brand_type", Kind::OneOf(&["STANDARD", "SOLE_PROPRIETOR", "STARTER"]), Unset::Null),
    param("Mock", "mock", Kind::Bool, Unset::Null),
    param("SkipAutomaticSecVet", "skip_automatic_sec_vet", Kind::Bool, Unset::Null),
];

const CAMPAIGN: &[Param] = &[
    param("BrandRegistrationSid", "brand_registration_sid", Kind::Sid("BN", 20423), Unset::Null),
    param("Description", "description", Kind::Text(4_096), Unset::Null),
    param("MessageFlow", "message_flow", Kind::Text(2_048), Unset::Null),
    param("UsAppToPersonUsecase", "us_app_to_person_usecase", Kind::Text(100), Unset::Null),
    param("HasEmbeddedLinks", "has_embedded_links", Kind::Bool, Unset::Null),
    param("HasEmbeddedPhone", "has_embedded_phone", Kind::Bool, Unset::Null),
    param("OptInMessage", "opt_in_message", Kind::Text(320), Unset::Null),
    param("OptOutMessage", "opt_out_message", Kind::Text(320), Unset::Null),
    param("HelpMessage", "help_message", Kind::Text(320), Unset::Null),
    param("SubscriberOptIn", "subscriber_opt_in", Kind::Bool, Unset::Null),
    param("AgeGated", "age_gated", Kind::Bool, Unset::Null),
    param("DirectLending", "direct_lending", Kind::Bool, Unset::Null),
];

/// Parameters that repeat, and their fields.
const LISTS: &[(&str, &str)] = &[
    ("MessageSamples", "message_samples"),
    ("OptInKeywords", "opt_in_keywords"),
    ("OptOutKeywords", "opt_out_keywords"),
    ("HelpKeywords", "help_keywords"),
];

const CAMPAIGN_REQUIRED: &[&str] = &[
    "BrandRegistrationSid",
    "Description",
    "MessageFlow",
    "MessageSamples",
    "UsAppToPersonUsecase",
    "HasEmbeddedLinks",
    "HasEmbeddedPhone",
];

fn list_brands(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let items = ctx.world.twilio.texting.brands.iter().rev().filter(|row| ctx.owns(row));
    paging::absolute(ctx, "data", items, |row| shown_brand(ctx, &row))
}

fn shown_brand(ctx: &Ctx<'_>, row: &Object) -> Object {
    let mut row = located(ctx, row, "a2p/BrandRegistrations");
    let url = text(&row, "url").unwrap_or_default();
    let (vettings, otps) = (format!("{url}/Vettings"), format!("{url}/SmsOtp"));
    let links = json!({"brand_vettings": vettings, "brand_registration_otps": otps});
    row.insert("links".to_owned(), links);
    row
}

fn create_brand(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    require(ctx, &["CustomerProfileBundleSid", "A2PProfileBundleSid"])?;
    let mut row = fresh(ctx, "BN", &[BRAND]);
    let fields = [
        ("brand_type", json!("STANDARD")),
        ("status", json!("PENDING")),
        ("tcr_id", Value::Null),
        ("failure_reason", Value::Null),
        ("errors", json!([])),
        ("brand_score", Value::Null),
        ("brand_feedback", json!([])),
        ("identity_status", json!("SELF_DECLARED")),
        ("russell_3000", json!(false)),
        ("government_entity", json!(false)),
        ("tax_exempt_status", Value::Null),
    ];
    fix(&mut row, &fields);
    params::apply(&[BRAND], &ctx.form, &mut row)?;
    ctx.world.submit(Review::Brand(text(&row, "sid").unwrap_or_default().to_owned()));
    ctx.world.twilio.texting.brands.put(row.clone());
    Ok(Answer::item(201, "BrandRegistration", shown_brand(ctx, &row)))
}

fn fetch_brand(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = ctx.own(&ctx.world.twilio.texting.brands)?;
    Ok(Answer::item(200, "BrandRegistration", shown_brand(ctx, row)))
}

/// Submits a brand once more; it takes no fields [S].
fn update_brand(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = ctx.own(&ctx.world.twilio.texting.brands)?;
    Ok(Answer::item(202, "BrandRegistration", shown_brand(ctx, row)))
}

fn list_campaigns(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    let of_service = |row: &&Object| text(row, "messaging_service_sid") == Some(service.as_str());
    let items = ctx.world.twilio.texting.campaigns.iter().rev().filter(of_service);
    paging::absolute(ctx, "compliance", items, |row| shown_campaign(ctx, &row))
}

fn shown_campaign(ctx: &Ctx<'_>, row: &Object) -> Object {
    located(ctx, row, &format!("Services/{}/Compliance/Usa2p", ctx.ids[0]))
}

/// A campaign needs a brand that is approved [?], and is in progress before it is verified.
fn create_campaign(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    require(ctx, CAMPAIGN_REQUIRED)?;
    let brand = ctx.form.filled("BrandRegistrationSid").filter(|sid| is_sid(sid, "BN"));
    let brand = brand.and_then(|sid| ctx.world.twilio.texting.brands.get(sid)).filter(|row| ctx.owns(row));
    let status = brand.and_then(|row| text(row, "status"));
    if status != Some("APPROVED") {
        return Err(Problem::new(20422, "BrandRegistrationSid is not an approved brand of this account"));
    }
    if ctx.world.twilio.campaign_of(&service).is_some() {
        let text = "The Messaging Service has a campaign already";
        return Err(Problem { status: 409, ..Problem::new(20409, text) });
    }
    let mut row = fresh(ctx, "QE", &[CAMPAIGN]);
    for (name, field) in LISTS {
        row.insert((*field).to_owned(), json!(ctx.form.all(name)));
    }
    let fields = [
        ("messaging_service_sid", json!(service)),
        ("campaign_status", json!("PENDING")),
        ("campaign_id", Value::Null),
        ("is_externally_registered", json!(false)),
        ("rate_limits", json!({"att": {"mps": 600, "msg_class": "A"}, "tmobile": {"brand_tier": "TOP"}})),
        ("mock", json!(false)),
        ("errors", json!([])),
    ];
    fix(&mut row, &fields);
    for known in ["PrivacyPolicyUrl", "TermsAndConditionsUrl"] {
        ctx.form.get(known);
    }
    params::apply(&[CAMPAIGN], &ctx.form, &mut row)?;
    ctx.world.submit(Review::Campaign(text(&row, "sid").unwrap_or_default().to_owned()));
    ctx.world.twilio.texting.campaigns.put(row.clone());
    Ok(Answer::item(201, "UsAppToPerson", shown_campaign(ctx, &row)))
}

fn fetch_campaign(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = within(ctx, &ctx.world.twilio.texting.campaigns, "messaging_service_sid")?;
    Ok(Answer::item(200, "UsAppToPerson", shown_campaign(ctx, row)))
}

fn delete_campaign(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    within(ctx, &ctx.world.twilio.texting.campaigns, "messaging_service_sid")?;
    ctx.world.twilio.texting.campaigns.remove(&ctx.ids[1]);
    Ok(Answer::deleted())
}
