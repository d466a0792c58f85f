//! Bundles: what is shown to the reviewers together (T20 [S]). A bundle belongs to one account, and can be
//! cloned into another one of the same owner.

use hyper::Method;
use serde_json::{Value, json};

use super::super::errors::Problem;
use super::super::params::{self, Kind, Param, Unset, param};
use super::super::{Answer, Ctx, Route, paging};
use super::evaluation::{self, evaluate};
use super::{AREA, Regulation, missing, review};
use crate::clock::iso;
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "RegulatoryCompliance/Bundles",
        area: AREA,
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}",
        area: AREA,
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/ItemAssignments",
        area: AREA,
        methods: &[(Method::GET, list_items), (Method::POST, assign)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/ItemAssignments/{}",
        area: AREA,
        methods: &[(Method::GET, fetch_item), (Method::DELETE, unassign)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/Evaluations",
        area: AREA,
        methods: &[(Method::GET, list_evaluations), (Method::POST, create_evaluation)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/Evaluations/{}",
        area: AREA,
        methods: &[(Method::GET, fetch_evaluation)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/Copies",
        area: AREA,
        methods: &[(Method::GET, list_copies), (Method::POST, copy)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/Clones",
        area: AREA,
        methods: &[(Method::POST, clone_bundle)],
    },
    Route {
        pattern: "RegulatoryCompliance/Bundles/{}/ReplaceItems",
        area: AREA,
        methods: &[(Method::POST, replace_items)],
    },
];

const TABLE: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(255), Unset::Empty),
    param("Email", "email", Kind::Text(255), Unset::Empty),
    param("StatusCallback", "status_callback", Kind::Url, Unset::Null),
];

/// Whose copy a bundle is; not shown.
const COPY_OF: &str = "copy_of";

fn url(ctx: &Ctx<'_>, bundle: &str) -> String {
    format!("{}/v2/RegulatoryCompliance/Bundles/{bundle}", ctx.base)
}

fn located(ctx: &Ctx<'_>, mut bundle: Object) -> Object {
    let url = url(ctx, text(&bundle, "sid").unwrap_or_default());
    bundle.remove(COPY_OF);
    bundle.insert(
        "links".to_owned(),
        json!({
            "evaluations": format!("{url}/Evaluations"),
            "item_assignments": format!("{url}/ItemAssignments"),
            "bundle_copies": format!("{url}/Copies"),
        }),
    );
    bundle.insert("url".to_owned(), json!(url));
    bundle
}

fn item(ctx: &Ctx<'_>, status: u16, bundle: &Object) -> Answer {
    Answer::item(status, "Bundle", located(ctx, bundle.clone()))
}

/// A bundle as copies and replacements show it: without links, and without a place [S].
fn bare(mut bundle: Object) -> Object {
    ["links", "url", COPY_OF].iter().for_each(|field| drop(bundle.remove(*field)));
    bundle
}

fn bare_answer(answer: Answer) -> Answer {
    match answer {
        Answer::Resource { status, kind, body: Value::Object(bundle) } => {
            Answer::item(status, kind, bare(bundle))
        }
        other => other,
    }
}

/// The bundle of the path.
fn named<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let found = ctx.world.twilio.compliance.bundles.get(&ctx.ids[0]);
    found.filter(|bundle| ctx.owns(bundle)).ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// The bundle of the path as long as it can be changed; otherwise the code is [?].
fn draft<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let bundle = named(ctx)?;
    match text(bundle, "status") {
        Some("draft" | "twilio-rejected") => Ok(bundle),
        _ => Err(Problem::new(20409, "Only a bundle in draft or rejected can be changed")),
    }
}

/// `GET …/Bundles`: filters [S].
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters =
        [("Status", "status"), ("FriendlyName", "friendly_name"), ("RegulationSid", "regulation_sid")]
            .map(|(name, field)| (field, ctx.query.filled(name)));
    let (iso, kind) = (ctx.query.filled("IsoCountry"), ctx.query.filled("NumberType"));
    let (user, sids) = (ctx.query.filled("EndUserType"), ctx.query.filled("BundleSids"));
    let follows = |bundle: &Object| {
        let of = Regulation::of_bundle(bundle);
        let (of_iso, of_user) = (of.map(|of| of.iso), of.map(|of| of.end_user.name));
        iso.is_none_or(|iso| of_iso == Some(iso))
            && kind.is_none_or(|kind| of.is_some_and(|of| of.is_for(kind)))
            && user.is_none_or(|user| of_user == Some(user))
    };
    let wanted = |bundle: &&Object| {
        ctx.owns(bundle)
            && filters.iter().all(|(field, want)| want.is_none_or(|want| text(bundle, field) == Some(want)))
            && sids.is_none_or(|sids| sids.split(',').any(|sid| text(bundle, "sid") == Some(sid)))
            && follows(bundle)
    };
    let items = ctx.world.twilio.compliance.bundles.iter().rev().filter(wanted);
    paging::absolute(ctx, "results", items, |bundle| located(ctx, bundle))
}

/// `POST …/Bundles`: a draft, for a regulation or for a country, kind and type of end user.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    for name in ["FriendlyName", "Email"] {
        ctx.form.filled(name).ok_or_else(|| missing(name))?;
    }
    // A test bundle would be approved or rejected by its name; here the evaluation decides for all.
    let _ = ctx.form.get("IsTest");
    let form = |name: &str| ctx.form.filled(name).unwrap_or_default();
    let by_terms = Regulation::find(form("IsoCountry"), form("NumberType"), form("EndUserType"));
    let regulation = ctx.form.filled("RegulationSid").map_or(by_terms, Regulation::get);
    let regulation = regulation.ok_or_else(|| Problem::new(20422, "There is no such regulation"))?;
    let mut bundle = params::blank(&[TABLE]);
    params::apply(&[TABLE], &ctx.form, &mut bundle)?;
    Ok(put(ctx, bundle, &regulation.sid(), "draft"))
}

/// Keeps a new bundle of the account and answers it.
fn put(ctx: &mut Ctx<'_>, mut bundle: Object, regulation: &str, status: &str) -> Answer {
    let now = iso(ctx.world.clock.now());
    let fields = [
        ("sid", json!(ctx.world.ids.sid("BU"))),
        ("account_sid", json!(ctx.account)),
        ("regulation_sid", json!(regulation)),
        ("status", json!(status)),
        ("valid_until", Value::Null),
        ("date_created", json!(now)),
        ("date_updated", json!(now)),
    ];
    bundle.extend(fields.map(|(field, value)| (field.to_owned(), value)));
    ctx.world.twilio.compliance.bundles.put(bundle.clone());
    item(ctx, 201, &bundle)
}

/// `GET …/Bundles/{BU}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(item(ctx, 200, named(ctx)?))
}

/// `POST …/Bundles/{BU}`: `Status=pending-review` hands it to the reviewers, `draft` takes a rejected one back.
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut bundle = named(ctx)?.clone();
    params::apply(&[TABLE], &ctx.form, &mut bundle)?;
    if let Some(status) = ctx.form.filled("Status") {
        if !matches!(status, "draft" | "pending-review") {
            return Err(Problem::new(20422, format!("Status is not valid: {status}")));
        }
        draft(ctx)?;
        bundle.insert("status".to_owned(), json!(status));
    }
    bundle.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    ctx.world.twilio.compliance.bundles.put(bundle.clone());
    if ctx.form.filled("Status") == Some("pending-review") {
        review::submit(ctx.world, &ctx.ids[0]);
    }
    Ok(item(ctx, 200, &bundle))
}

/// `DELETE …/Bundles/{BU}`. One that a number has stays [?].
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    named(ctx)?;
    let sid = ctx.ids[0].as_str();
    if ctx.world.twilio.numbers.iter().any(|number| text(number, "bundle_sid") == Some(sid)) {
        return Err(Problem::new(20409, "The bundle is used by a phone number"));
    }
    let all = &mut ctx.world.twilio.compliance;
    all.bundles.remove(sid);
    all.assignments.retain(|item| text(item, "bundle_sid") != Some(sid));
    all.evaluations.retain(|evaluation| text(evaluation, "bundle_sid") != Some(sid));
    Ok(Answer::deleted())
}

/// The objects of a bundle, newest first, located below it.
fn below(ctx: &Ctx<'_>, path: &str, mut object: Object) -> Object {
    let sid = text(&object, "sid").unwrap_or_default();
    let url = format!("{}/{path}/{sid}", url(ctx, &ctx.ids[0]));
    object.insert("url".to_owned(), json!(url));
    object
}

/// `GET …/Bundles/{BU}/ItemAssignments`.
fn list_items(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    named(ctx)?;
    let of = |item: &&Object| text(item, "bundle_sid") == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.compliance.assignments.iter().rev().filter(of);
    paging::absolute(ctx, "results", items, |item| below(ctx, "ItemAssignments", item))
}

/// `POST …/Bundles/{BU}/ItemAssignments`.
fn assign(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    draft(ctx)?;
    let object = ctx.form.filled("ObjectSid").ok_or_else(|| missing("ObjectSid"))?.to_owned();
    let all = &ctx.world.twilio.compliance;
    let found = all.end_users.get(&object).or_else(|| all.documents.get(&object));
    if !found.is_some_and(|found| ctx.owns(found)) {
        return Err(Problem::new(20422, format!("ObjectSid is not valid: {object}")));
    }
    let bundle = ctx.ids[0].clone();
    let assignment = add_item(ctx, &bundle, &object);
    Ok(Answer::item(201, "ItemAssignment", below(ctx, "ItemAssignments", assignment)))
}

fn add_item(ctx: &mut Ctx<'_>, bundle: &str, object: &str) -> Object {
    let fields = [
        ("sid", json!(ctx.world.ids.sid("BV"))),
        ("bundle_sid", json!(bundle)),
        ("account_sid", json!(ctx.account)),
        ("object_sid", json!(object)),
        ("date_created", json!(iso(ctx.world.clock.now()))),
    ];
    let assignment: Object = fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
    ctx.world.twilio.compliance.assignments.put(assignment.clone());
    assignment
}

/// What the path names below the bundle.
fn part<'c>(ctx: &'c Ctx<'_>, rows: &'c crate::rows::Rows) -> Result<&'c Object, Problem> {
    named(ctx)?;
    let found = rows.get(&ctx.ids[1]);
    let found = found.filter(|part| text(part, "bundle_sid") == Some(ctx.ids[0].as_str()));
    found.ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// `GET …/Bundles/{BU}/ItemAssignments/{BV}`.
fn fetch_item(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = part(ctx, &ctx.world.twilio.compliance.assignments)?.clone();
    Ok(Answer::item(200, "ItemAssignment", below(ctx, "ItemAssignments", found)))
}

/// `DELETE …/Bundles/{BU}/ItemAssignments/{BV}`.
fn unassign(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    draft(ctx)?;
    part(ctx, &ctx.world.twilio.compliance.assignments)?;
    ctx.world.twilio.compliance.assignments.remove(&ctx.ids[1]);
    Ok(Answer::deleted())
}

/// `GET …/Bundles/{BU}/Evaluations`.
fn list_evaluations(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    named(ctx)?;
    let of = |item: &&Object| text(item, "bundle_sid") == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.compliance.evaluations.iter().rev().filter(of);
    paging::absolute(ctx, "results", items, |item| below(ctx, "Evaluations", item))
}

/// `POST …/Bundles/{BU}/Evaluations`: what would be missing now.
fn create_evaluation(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let bundle = named(ctx)?.clone();
    let outcome = evaluate(&ctx.world.twilio, &bundle);
    let status = if outcome.compliant { "compliant" } else { "noncompliant" };
    let fields = [
        ("sid", json!(ctx.world.ids.sid("EL"))),
        ("account_sid", json!(ctx.account)),
        ("regulation_sid", bundle.get("regulation_sid").cloned().unwrap_or_default()),
        ("bundle_sid", json!(ctx.ids[0])),
        ("status", json!(status)),
        ("results", outcome.results),
        ("date_created", json!(iso(ctx.world.clock.now()))),
    ];
    let evaluation: Object = fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
    ctx.world.twilio.compliance.evaluations.put(evaluation.clone());
    Ok(Answer::item(201, "Evaluation", below(ctx, "Evaluations", evaluation)))
}

/// `GET …/Bundles/{BU}/Evaluations/{EL}`.
fn fetch_evaluation(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = part(ctx, &ctx.world.twilio.compliance.evaluations)?.clone();
    Ok(Answer::item(200, "Evaluation", below(ctx, "Evaluations", found)))
}

/// A new bundle like the path's, with the same objects.
fn double(ctx: &mut Ctx<'_>, status: &str) -> Result<Answer, Problem> {
    let mut bundle = named(ctx)?.clone();
    let regulation = text(&bundle, "regulation_sid").unwrap_or_default().to_owned();
    if let Some(name) = ctx.form.filled("FriendlyName") {
        bundle.insert("friendly_name".to_owned(), json!(name));
    }
    bundle.insert(COPY_OF.to_owned(), json!(ctx.ids[0]));
    let objects = objects(ctx, &ctx.ids[0]);
    let answer = put(ctx, bundle, &regulation, status);
    if let Answer::Resource { body, .. } = &answer {
        let sid = body["sid"].as_str().unwrap_or_default();
        objects.iter().for_each(|object| drop(add_item(ctx, sid, object)));
    }
    Ok(answer)
}

fn objects(ctx: &Ctx<'_>, bundle: &str) -> Vec<String> {
    let assigned = evaluation::assigned(&ctx.world.twilio, bundle);
    assigned.iter().filter_map(|object| text(object, "sid")).map(str::to_owned).collect()
}

/// `GET …/Bundles/{BU}/Copies`.
fn list_copies(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    named(ctx)?;
    let of = |bundle: &&Object| ctx.owns(bundle) && text(bundle, COPY_OF) == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.compliance.bundles.iter().rev().filter(of);
    paging::absolute(ctx, "results", items, bare)
}

/// `POST …/Bundles/{BU}/Copies`: a draft to change while the bundle stays in use.
fn copy(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    double(ctx, "draft").map(bare_answer)
}

/// `POST …/Bundles/{BU}/Clones`: into another account of the same owner, as it is or as a draft.
fn clone_bundle(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let target = ctx.form.filled("TargetAccountSid").ok_or_else(|| missing("TargetAccountSid"))?.to_owned();
    let owner = |sid: &str| ctx.world.twilio.account(sid).map(|account| account.owner.clone());
    if owner(&target).is_none() || owner(&target) != owner(&ctx.account) {
        return Err(Problem::new(20422, format!("TargetAccountSid is not valid: {target}")));
    }
    let status = match ctx.form.get("MoveToDraft") {
        Some("true") => "draft".to_owned(),
        _ => text(named(ctx)?, "status").unwrap_or("draft").to_owned(),
    };
    named(ctx)?;
    let Answer::Resource { status: code, kind, mut body } = double(ctx, &status)? else {
        return Err(Problem::not_found(&ctx.uri));
    };
    // The clone is the other account's.
    let sid = body["sid"].as_str().unwrap_or_default().to_owned();
    body["account_sid"] = json!(target);
    if let Some(shown) = body.as_object_mut() {
        shown.remove("links");
        shown.remove("sid");
        shown.insert("bundle_sid".to_owned(), json!(sid));
    }
    if let Some(bundle) = ctx.world.twilio.compliance.bundles.get_mut(&sid) {
        bundle.insert("account_sid".to_owned(), json!(target));
        bundle.remove(COPY_OF);
    }
    Ok(Answer::Resource { status: code, kind, body })
}

/// `POST …/Bundles/{BU}/ReplaceItems`: the objects of another bundle, for example of a reviewed copy.
fn replace_items(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let bundle = named(ctx)?.clone();
    let from = ctx.form.filled("FromBundleSid").ok_or_else(|| missing("FromBundleSid"))?.to_owned();
    if !ctx.world.twilio.compliance.bundles.get(&from).is_some_and(|found| ctx.owns(found)) {
        return Err(Problem::new(20422, format!("FromBundleSid is not valid: {from}")));
    }
    let (sid, objects) = (ctx.ids[0].clone(), objects(ctx, &from));
    let all = &mut ctx.world.twilio.compliance;
    all.assignments.retain(|item| text(item, "bundle_sid") != Some(sid.as_str()));
    objects.iter().for_each(|object| drop(add_item(ctx, &sid, object)));
    Ok(Answer::item(201, "Bundle", bare(bundle)))
}
