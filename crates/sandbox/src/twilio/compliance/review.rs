//! The reviewers: a bundle goes from pending-review over in-review to approved, or to rejected when something
//! is missing (T20), in a few minutes instead of days.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::webhooks::{self, Call};
use super::evaluation::{assigned, evaluate};
use super::regulations::Regulation;
use crate::clock::iso;
use crate::control::{self, Work};
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::state::{Shared, World};

/// Until somebody looks at it, and how long they look.
const WAITS: Duration = Duration::from_secs(60);
const TAKES: Duration = Duration::from_secs(240);

/// Hands a bundle to the reviewers.
pub(super) fn submit(world: &mut World, bundle: &str) {
    stamp(world, bundle, "pending-review", "pending-review", None);
    world.schedule(WAITS, Job::BundleReview(bundle.to_owned()));
}

/// The job: the next step of a review. Whoever wants to know is told.
pub(crate) async fn review(shared: &Arc<Shared>, bundle: &str) {
    let call = step(&mut shared.lock(), bundle);
    if let Some(call) = call {
        // Nobody waits for what comes of it.
        let _ = webhooks::call(shared, &call).await;
    }
}

fn step(world: &mut World, sid: &str) -> Option<Call> {
    let bundle = world.twilio.compliance.bundles.get(sid)?.clone();
    match text(&bundle, "status")? {
        "pending-review" => {
            stamp(world, sid, "in-review", "pending-review", None);
            world.schedule(TAKES, Job::BundleReview(sid.to_owned()));
        }
        "in-review" if evaluate(&world.twilio, &bundle).compliant => {
            stamp(world, sid, "twilio-approved", "approved", None);
        }
        "in-review" => stamp(world, sid, "twilio-rejected", "rejected", Some("Information is missing.")),
        _ => return None,
    }
    callback(world, sid)
}

/// Sets the status of a bundle and of its documents.
fn stamp(world: &mut World, sid: &str, status: &str, documents: &str, reason: Option<&str>) {
    let now = iso(world.clock.now());
    let objects = assigned(&world.twilio, sid);
    let papers = objects.iter().filter_map(|object| text(object, "sid")).map(str::to_owned);
    for paper in papers.collect::<Vec<_>>() {
        if let Some(paper) = world.twilio.compliance.documents.get_mut(&paper) {
            paper.insert("status".to_owned(), json!(documents));
            paper.insert("failure_reason".to_owned(), json!(reason));
        }
    }
    if let Some(bundle) = world.twilio.compliance.bundles.get_mut(sid) {
        bundle.insert("status".to_owned(), json!(status));
        bundle.insert("date_updated".to_owned(), json!(now));
    }
}

/// What the bundle's `StatusCallback` is told; the names of the fields are [?].
fn callback(world: &World, sid: &str) -> Option<Call> {
    let bundle = world.twilio.compliance.bundles.get(sid)?;
    let of = |field: &str| text(bundle, field).unwrap_or_default().to_owned();
    let params = [("AccountSid", "account_sid"), ("BundleSid", "sid"), ("Status", "status")];
    Some(Call {
        account: of("account_sid"),
        event: "bundle-status",
        subject: sid.to_owned(),
        url: text(bundle, "status_callback")?.to_owned(),
        method: "POST".to_owned(),
        params: params.into_iter().map(|(name, field)| (name.to_owned(), of(field))).collect(),
        fallback: None,
        judge: webhooks::any,
    })
}

/// Control calls.
pub(crate) const CONTROL: &[control::Route] = &[
    (Method::POST, "bundles", Work::Now(add_bundle)),
    (Method::POST, "identities", Work::Now(add_identity)),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBundle {
    account_sid: Option<String>,
    iso_country: String,
    number_type: String,
    end_user_type: Option<String>,
    status: Option<String>,
}

/// `POST /sandbox/bundles`: a bundle that needs no review, approved unless another status is asked for.
fn add_bundle(world: &mut World, _: &[String], body: Value) -> control::Answer {
    let new: NewBundle = control::read(body)?;
    let account = control::account_or_first(world, new.account_sid)?;
    let user = new.end_user_type.as_deref().unwrap_or("business");
    let regulation = Regulation::find(&new.iso_country, &new.number_type, user);
    let regulation = regulation.ok_or_else(|| control::bad("there is no such regulation"))?;
    let status = control::short("status", new.status)?.unwrap_or_else(|| "twilio-approved".to_owned());
    let now = iso(world.clock.now());
    let bundle = json!({
        "sid": world.ids.sid("BU"), "account_sid": account, "regulation_sid": regulation.sid(),
        "friendly_name": "Sandbox bundle", "status": status, "email": "sandbox@example.com",
        "status_callback": null, "valid_until": null, "date_created": now, "date_updated": now,
    });
    world.twilio.compliance.bundles.put(object(&bundle));
    Ok((201, bundle))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewIdentity {
    account_sid: Option<String>,
    sufficient: Option<bool>,
}

/// `POST /sandbox/identities`: an identity document, which the API knows only by its SID.
fn add_identity(world: &mut World, _: &[String], body: Value) -> control::Answer {
    let new: NewIdentity = control::read(body)?;
    let account = control::account_or_first(world, new.account_sid)?;
    let sufficient = new.sufficient.unwrap_or(true);
    let identity = json!({"sid": world.ids.sid("RI"), "account_sid": account, "sufficient": sufficient});
    world.twilio.compliance.identities.put(object(&identity));
    Ok((201, identity))
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}
