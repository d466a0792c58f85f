//! Whether a bundle has what its regulation asks for, and what is missing (T20 [S]).

use serde_json::{Value, json};

use super::super::Twilio;
use super::regulations::{DOCUMENTS, Proof, Regulation, Type, title};
use crate::http::{Object, text};

/// The outcome for every requirement.
pub(crate) struct Evaluation {
    pub(crate) compliant: bool,
    pub(crate) results: Value,
}

/// Looks at everything that is assigned to a bundle.
pub(crate) fn evaluate(twilio: &Twilio, bundle: &Object) -> Evaluation {
    let Some(regulation) = Regulation::of_bundle(bundle) else {
        return Evaluation { compliant: false, results: json!([]) };
    };
    let sid = text(bundle, "sid").unwrap_or_default();
    let objects = assigned(twilio, sid);
    let mut results = vec![end_user(regulation.end_user, &objects)];
    results.extend(regulation.proofs().iter().map(|proof| document(twilio, proof, &objects)));
    let compliant = results.iter().all(|result| result["passed"] == true);
    Evaluation { compliant, results: Value::Array(results) }
}

/// The end users and documents assigned to a bundle.
pub(crate) fn assigned<'t>(twilio: &'t Twilio, bundle: &str) -> Vec<&'t Object> {
    let all = &twilio.compliance;
    let of = all.assignments.iter().filter(|item| text(item, "bundle_sid") == Some(bundle));
    let object = |sid: &str| all.end_users.get(sid).or_else(|| all.documents.get(sid));
    of.filter_map(|item| object(text(item, "object_sid")?)).collect()
}

fn end_user(wanted: &Type, objects: &[&Object]) -> Value {
    let found = objects.iter().find(|object| text(object, "type") == Some(wanted.name));
    let name = title(wanted.name);
    let missing = format!("A {name} End-User is missing. Please add one to the regulatory bundle.");
    let fields = fields(wanted, found.copied(), |_| true, 22215);
    let mut shown = result(&name, wanted.name, found.is_some(), (22214, missing), fields);
    shown["requirement_friendly_name"] = json!(name);
    shown["requirement_name"] = json!(format!("{}_info", wanted.name));
    shown
}

fn document(twilio: &Twilio, proof: &Proof, objects: &[&Object]) -> Value {
    let fits = |object: &&&Object| text(object, "type").is_some_and(|of| proof.accepted.contains(&of));
    let found = objects.iter().find(fits).copied();
    let named = found.and_then(|object| text(object, "type")).or(proof.accepted.first().copied());
    let Some(of) = named.and_then(|name| Type::named(DOCUMENTS, name)) else { return Value::Null };
    let name = title(of.name);
    let known = |value: &Value| value.as_str().is_some_and(|sid| twilio.addresses.get(sid).is_some());
    let missing = format!("A {name} is missing. Please add one to the regulatory bundle.");
    let code = if of.fields.contains(&"address_sids") { 22219 } else { 22217 };
    let fields = fields(of, found, known, code);
    let mut shown = result(&name, of.name, found.is_some(), (22216, missing), fields);
    shown["requirement_friendly_name"] = json!(proof.friendly);
    shown["requirement_name"] = json!(proof.name);
    shown
}

/// The fields that are filled, and those that are not. `known` says whether an address exists.
fn fields(
    of: &Type,
    object: Option<&Object>,
    known: impl Fn(&Value) -> bool,
    code: u32,
) -> (Vec<Value>, Vec<Value>) {
    let attributes = object.and_then(|object| object.get("attributes"));
    let filled = |field: &str| match attributes.and_then(|all| all.get(field)) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(sids)) => !sids.is_empty() && sids.iter().all(&known),
        _ => false,
    };
    let shown = |field: &&str| {
        let mut shown = json!({"friendly_name": title(field), "object_field": field});
        if !filled(field) {
            shown["failure_reason"] = json!(format!("The {} is missing.", title(field)));
            shown["error_code"] = json!(code);
        }
        shown
    };
    of.fields.iter().map(shown).partition(|shown| shown.get("error_code").is_none())
}

fn result(
    name: &str,
    of: &str,
    found: bool,
    (code, missing): (u32, String),
    (valid, invalid): (Vec<Value>, Vec<Value>),
) -> Value {
    let first = invalid.first().filter(|_| found);
    json!({
        "friendly_name": name,
        "object_type": of,
        "passed": found && invalid.is_empty(),
        "failure_reason": if found { first.map(|it| it["failure_reason"].clone()) } else { Some(json!(missing)) },
        "error_code": if found { first.map(|it| it["error_code"].clone()) } else { Some(json!(code)) },
        "valid": valid,
        "invalid": invalid,
    })
}
