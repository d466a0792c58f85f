//! Regulatory compliance (T20 [S]): who wants a number, what proves it, and the bundles in which both are
//! shown to the reviewers.

mod bundles;
mod evaluation;
mod regulations;
mod review;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::params::{self, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, paging};
use crate::clock::iso;
use crate::http::{Object, text};
use crate::multipart::Part;
use crate::rows::Rows;
pub(crate) use regulations::{Regulation, derived};
pub(crate) use review::{CONTROL, review};

/// What a key needs rights for.
const AREA: &str = "regulatory-compliance";

/// Everything that is shown to the reviewers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Compliance {
    pub(crate) bundles: Rows,
    pub(crate) end_users: Rows,
    pub(crate) documents: Rows,
    pub(crate) assignments: Rows,
    pub(crate) evaluations: Rows,
    /// Identity documents, which the API only names (T5: `IdentitySid`).
    pub(crate) identities: Rows,
}

/// Where it answers on the numbers host.
pub(crate) const ROUTES: &[&[Route]] = &[regulations::ROUTES, bundles::ROUTES, OBJECTS];

/// Where documents are uploaded, on a host of its own (T20 [D]).
pub(crate) const UPLOADS: &[Route] = &[Route {
    pattern: "RegulatoryCompliance/SupportingDocuments",
    area: AREA,
    methods: &[(Method::POST, upload)],
}];

const OBJECTS: &[Route] = &[
    Route {
        pattern: "RegulatoryCompliance/EndUsers",
        area: AREA,
        methods: &[(Method::GET, |ctx| list(ctx, &USERS)), (Method::POST, |ctx| create(ctx, &USERS))],
    },
    Route {
        pattern: "RegulatoryCompliance/EndUsers/{}",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| fetch(ctx, &USERS)),
            (Method::POST, |ctx| update(ctx, &USERS)),
            (Method::DELETE, |ctx| delete(ctx, &USERS)),
        ],
    },
    Route {
        pattern: "RegulatoryCompliance/SupportingDocuments",
        area: AREA,
        methods: &[(Method::GET, |ctx| list(ctx, &PAPERS)), (Method::POST, |ctx| create(ctx, &PAPERS))],
    },
    Route {
        pattern: "RegulatoryCompliance/SupportingDocuments/{}",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| fetch(ctx, &PAPERS)),
            (Method::POST, |ctx| update(ctx, &PAPERS)),
            (Method::DELETE, |ctx| delete(ctx, &PAPERS)),
        ],
    },
];

const NAME: &[Param] = &[param("FriendlyName", "friendly_name", Kind::Text(255), Unset::Empty)];

/// End users and documents are handled alike: a name, a type, and attributes in JSON.
struct Sort {
    prefix: &'static str,
    path: &'static str,
    kind: &'static str,
    types: &'static [regulations::Type],
    rows: fn(&mut Compliance) -> &mut Rows,
}

const USERS: Sort = Sort {
    prefix: "IT",
    path: "EndUsers",
    kind: "EndUser",
    types: regulations::END_USERS,
    rows: |all| &mut all.end_users,
};
const PAPERS: Sort = Sort {
    prefix: "RD",
    path: "SupportingDocuments",
    kind: "SupportingDocument",
    types: regulations::DOCUMENTS,
    rows: |all| &mut all.documents,
};

/// The uploads' host has the same paths, but the resource lives on the numbers host.
fn located(base: &str, path: &str, mut object: Object) -> Object {
    let sid = text(&object, "sid").unwrap_or_default();
    let url = format!("{}/v2/RegulatoryCompliance/{path}/{sid}", base.replace("numbers-upload", "numbers"));
    object.insert("url".to_owned(), json!(url));
    object
}

fn list(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Answer, Problem> {
    let items: Vec<Object> = (sort.rows)(&mut ctx.world.twilio.compliance).iter().rev().cloned().collect();
    let own = items.iter().filter(|object| ctx.owns(object));
    paging::absolute(ctx, "results", own, |object| located(&ctx.base, sort.path, object))
}

fn create(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Answer, Problem> {
    let given = |name: &str| ctx.form.filled(name).ok_or_else(|| missing(name));
    let (_, of) = (given("FriendlyName")?, given("Type")?.to_owned());
    // That other types are refused, and how, is [?].
    if regulations::Type::named(sort.types, &of).is_none() {
        return Err(Problem::new(20422, format!("Type is not valid: {of}")));
    }
    let now = iso(ctx.world.clock.now());
    let mut object = params::blank(&[NAME]);
    object.insert("sid".to_owned(), json!(ctx.world.ids.sid(sort.prefix)));
    object.insert("account_sid".to_owned(), json!(ctx.account));
    object.insert("type".to_owned(), json!(of));
    object.insert("attributes".to_owned(), json!({}));
    object.insert("date_created".to_owned(), json!(now));
    if sort.prefix == "RD" {
        object.insert("mime_type".to_owned(), Value::Null);
        object.insert("status".to_owned(), json!("draft"));
        object.insert("failure_reason".to_owned(), Value::Null);
        object.insert("errors".to_owned(), Value::Null);
    }
    keep(ctx, sort, object, 201)
}

fn missing(name: &str) -> Problem {
    Problem::new(20001, format!("Missing required parameter {name}"))
}

/// Applies the form and keeps the object.
fn keep(ctx: &mut Ctx<'_>, sort: &Sort, mut object: Object, status: u16) -> Result<Answer, Problem> {
    params::apply(&[NAME], &ctx.form, &mut object)?;
    if let Some(attributes) = ctx.form.filled("Attributes") {
        let attributes: Option<Object> = serde_json::from_str(attributes).ok();
        let attributes = attributes.ok_or_else(|| Problem::new(20422, "Attributes is not a JSON object"))?;
        object.insert("attributes".to_owned(), Value::Object(attributes));
    }
    object.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    (sort.rows)(&mut ctx.world.twilio.compliance).put(object.clone());
    Ok(Answer::item(status, sort.kind, located(&ctx.base, sort.path, object)))
}

fn find(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Object, Problem> {
    let found = (sort.rows)(&mut ctx.world.twilio.compliance).get(&ctx.ids[0]).cloned();
    found.filter(|object| ctx.owns(object)).ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn fetch(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Answer, Problem> {
    let found = find(ctx, sort)?;
    Ok(Answer::item(200, sort.kind, located(&ctx.base, sort.path, found)))
}

fn update(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Answer, Problem> {
    let found = find(ctx, sort)?;
    keep(ctx, sort, found, 200)
}

/// That an object in a bundle cannot be deleted, and how that is refused, is [?].
fn delete(ctx: &mut Ctx<'_>, sort: &Sort) -> Result<Answer, Problem> {
    find(ctx, sort)?;
    let all = &mut ctx.world.twilio.compliance;
    if all.assignments.iter().any(|item| text(item, "object_sid") == Some(ctx.ids[0].as_str())) {
        return Err(Problem::new(20409, "It is assigned to a bundle"));
    }
    (sort.rows)(all).remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}

/// The types that the reviewers take (T20 [D]).
const FILE_TYPES: &[&str] = &["application/pdf", "image/jpeg", "image/png"];

/// `POST numbers-upload/v2/RegulatoryCompliance/SupportingDocuments`: multipart, with the file. A file that
/// cannot be read leaves `mime_type` empty (T20 [D]).
fn upload(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let parts = ctx.request.parts();
    let parts = parts.ok_or_else(|| Problem::new(20422, "The body must be multipart/form-data"))?;
    let is_file = |part: &&Part<'_>| part.name == "File" && part.file_name.is_some();
    let file = parts.iter().find(is_file).ok_or_else(|| missing("File"))?;
    let answer = create(ctx, &PAPERS)?;
    let of = file.content_type.as_deref().filter(|of| FILE_TYPES.contains(of) && !file.body.is_empty());
    let Answer::Resource { status, kind, body: Value::Object(mut object) } = answer else {
        return Ok(answer);
    };
    object.insert("mime_type".to_owned(), json!(of.unwrap_or_default()));
    ctx.world.twilio.compliance.documents.put(object.clone());
    Ok(Answer::item(status, kind, object))
}
