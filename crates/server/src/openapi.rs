//! The OpenAPI document: made from the handlers, completed from the access table, so that it tells who may use
//! each operation and every status that it can answer with.

use crate::access::{Access, Rule, TABLE};
use crate::idempotency;
use crate::problem;
use crate::routes;
use crate::views::problem::Document;
use axum::http::Method;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder,
    SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

const ABOUT: &str = "Phone numbers that answer: Twilio numbers, Vapi assistants, and the proof that a call gets \
    through. Errors are problem documents (RFC 9457); `message` says what failed, what was not changed and what to \
    do, in the language of `Accept-Language` or of the member's choice.";

/// Why the document and the access table do not fit each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch(pub(crate) Vec<String>);

/// Each operation of a path with its method.
pub(crate) fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::OPTIONS, &item.options),
        (Method::HEAD, &item.head),
        (Method::PATCH, &item.patch),
        (Method::TRACE, &item.trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operation_mut<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "PUT" => item.put.as_mut(),
        "POST" => item.post.as_mut(),
        "DELETE" => item.delete.as_mut(),
        "PATCH" => item.patch.as_mut(),
        _ => None,
    }
}

/// Every route must have a row, and every row a route.
///
/// # Errors
/// The routes and rows that stand alone.
pub(crate) fn compare(document: &OpenApi) -> Result<(), Mismatch> {
    let paths = document.paths.paths.iter();
    let routes: BTreeSet<_> = paths
        .flat_map(|(path, item)| operations(item).map(move |(method, _)| format!("{method} {path}")))
        .collect();
    let rows: BTreeSet<_> = TABLE.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect();
    let alone: Vec<_> = routes.symmetric_difference(&rows).cloned().collect();
    if alone.is_empty() { Ok(()) } else { Err(Mismatch(alone)) }
}

/// Completes the document that the handlers made.
pub(crate) fn complete(document: &mut OpenApi) {
    document.info = InfoBuilder::new()
        .title("Dialtone")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    for rule in TABLE.iter() {
        let item = document.paths.paths.get_mut(rule.path);
        if let Some(operation) = item.and_then(|item| operation_mut(item, &rule.method)) {
            describe(rule, operation);
        }
    }
    let mut schemas = Vec::new();
    Document::schemas(&mut schemas);
    let described = ComponentsBuilder::from(document.components.take().unwrap_or_default())
        .schema(Document::name(), <Document as PartialSchema>::schema())
        .schemas_from_iter(schemas)
        .response("Problem", problem_response())
        .security_scheme("token", token_scheme())
        .security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("dialtone_session"))),
        );
    document.components = Some(described.build());
}

fn problem_response() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Document::name());
    ResponseBuilder::new()
        .description("What failed, what was not changed, and what to do.")
        .content(problem::CONTENT_TYPE, Content::new(Some(schema)))
        .build()
}

fn token_scheme() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token: `dt_…`."));
    SecurityScheme::Http(scheme.build())
}

fn describe(rule: &Rule, operation: &mut Operation) {
    if !matches!(rule.access, Access::Public | Access::Provider) {
        let schemes: &[&str] =
            if rule.access == Access::Session { &["cookie"] } else { &["token", "cookie"] };
        let requirement = |name: &&str| SecurityRequirement::new(*name, Vec::<String>::new());
        operation.security = Some(schemes.iter().map(requirement).collect());
    }
    if let Access::Member(permission) = rule.access {
        let extension = ExtensionsBuilder::new().add("x-permission", permission.name()).build();
        operation.extensions.get_or_insert_default().merge(extension);
    }
    if rule.idempotent {
        operation.parameters.get_or_insert_default().push(key_parameter());
    }
    for status in statuses(rule, operation) {
        let problem = RefOr::Ref(Ref::from_response_name("Problem"));
        operation.responses.responses.entry(status.to_string()).or_insert(problem);
    }
    // A response without words of its own is simply what was asked for.
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            "As asked.".clone_into(&mut response.description);
        }
    }
}

fn key_parameter() -> RefOr<Parameter> {
    let text =
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(idempotency::KEY_LENGTH_MAX)).build();
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same request with the same key is done once, and answered again."))
        .schema(Some(Schema::Object(text)))
        .build();
    RefOr::T(parameter)
}

/// Every problem's status that the operation can answer with; the order of the lines is that in which a request
/// meets them.
fn statuses(rule: &Rule, operation: &Operation) -> BTreeSet<u16> {
    let parameters = operation.parameters.iter().flatten();
    let places: Vec<_> = parameters.filter_map(place).collect();
    let reads = rule.method == Method::GET;
    let known = !matches!(rule.access, Access::Public | Access::Provider);
    let sets: [(bool, &[u16]); 9] = [
        (true, &[429, 500, 503]),
        (known, &[401]),
        (known || !reads, &[403]),
        (rule.idempotent, &[400, 408, 409, 413]),
        (places.contains(&ParameterIn::Path), &[404]),
        (places.contains(&ParameterIn::Query), &[400, 413]),
        (operation.request_body.is_some(), &[400, 408, 413, 415]),
        (rule.providers, &[400, 401, 404, 409, 502]),
        (true, rule.also),
    ];
    sets.iter().filter(|(applies, _)| *applies).flat_map(|(_, statuses)| statuses.iter().copied()).collect()
}

fn place(parameter: &RefOr<Parameter>) -> Option<ParameterIn> {
    match parameter {
        RefOr::T(parameter) => Some(parameter.parameter_in.clone()),
        RefOr::Ref(_) => None,
    }
}

/// The document as pretty JSON, made once.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let (_, mut document) = routes::all().split_for_parts();
        complete(&mut document);
        // Through a value, whose keys are sorted: the same document is always the same text.
        let value = serde_json::to_value(&document).expect("plain data");
        let mut text = serde_json::to_string_pretty(&value).expect("plain data");
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_or_a_row_that_stands_alone_is_named() {
        let (_, mut document) = routes::all().split_for_parts();
        assert_eq!(compare(&document), Ok(()));
        let item = document.paths.paths.remove("/healthz").unwrap();
        document.paths.paths.insert("/forgotten".to_owned(), item);
        let alone = ["GET /forgotten", "GET /healthz"].map(str::to_owned).to_vec();
        assert_eq!(compare(&document), Err(Mismatch(alone)));
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_words() {
        let document: serde_json::Value = serde_json::from_str(text()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(
                    names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                    "{method} {path}"
                );
                assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
            }
        }
    }
}
