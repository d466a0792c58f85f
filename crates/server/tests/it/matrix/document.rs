//! The operations of the OpenAPI document, as the matrix needs them, and bodies made from their schemas.

use dialtone_domain::Role;
use reqwest::Method;
use serde_json::{Map, Value, json};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path with its parameters in braces.
    pub(crate) path: String,
    /// The least role that may, where a role decides.
    pub(crate) least: Option<Role>,
    /// Whether only people who are signed in may, and no token.
    pub(crate) session: bool,
    /// Names of the parameters in the query.
    pub(crate) query: Vec<String>,
    /// The schema of its JSON body, where it takes one.
    pub(crate) body: Option<Value>,
    /// Whether it answers with a stream that does not end.
    pub(crate) streams: bool,
}

impl Operation {
    /// `GET /api/v1/lines`
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The fields of its body with their schemas.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.body.iter().flat_map(|body| body["properties"].as_object().into_iter().flatten())
    }

    /// Whether it is supposed to change nothing.
    pub(crate) fn reads(&self) -> bool {
        self.method == Method::GET
    }
}

pub(crate) fn document() -> Value {
    serde_json::from_str(dialtone_server::openapi()).unwrap()
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Every operation of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, told)| operation(&document, path, method, told))
    });
    all.collect()
}

fn operation(document: &Value, path: &str, method: &str, told: &Value) -> Operation {
    let permission = told["x-permission"].as_str();
    let may = |role: &Role| permission.is_some_and(|name| role.permissions().contains(&name));
    let in_query = |parameter: &&Value| parameter["in"] == "query";
    let parameters = told["parameters"].as_array().into_iter().flatten();
    let names = parameters.filter(in_query).map(|parameter| parameter["name"].as_str().unwrap().to_owned());
    let body = &told["requestBody"]["content"]["application/json"]["schema"];
    Operation {
        method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
        path: path.to_owned(),
        least: Role::ALL.into_iter().find(may),
        session: told["security"] == json!([{ "cookie": [] }]),
        query: names.collect(),
        body: (!body.is_null()).then(|| resolved(document, body).clone()),
        streams: told["responses"]["200"]["content"]["text/event-stream"].is_object(),
    }
}

/// A value that the field takes, as far as its schema tells; every free text holds `mark`.
pub(crate) fn value(name: &str, schema: &Value, mark: &str) -> Value {
    if let Some(one) = schema["enum"].as_array().and_then(|values| values.first()) {
        return one.clone();
    }
    if schema["examples"][0].is_string() {
        return schema["examples"][0].clone();
    }
    if schema["pattern"] == "^[A-Z]{2}$" {
        return json!("FR");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match (kind.as_str().unwrap_or_default(), schema["format"].as_str().unwrap_or_default()) {
        ("boolean", _) => json!(false),
        ("integer" | "number", _) => schema["minimum"].as_i64().unwrap_or(1).into(),
        ("array", _) => json!([value(name, &schema["items"], mark)]),
        ("object", _) => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields.map(|(name, field)| (name.clone(), value(name, field, mark))).collect::<Map<_, _>>().into()
        }
        (_, "uuid") => Value::Null,
        (_, "email") => json!(format!("{name}.{mark}@example.com").to_lowercase()),
        (_, "uri") => json!(format!("https://example.com/{mark}/{name}")),
        (_, "date-time") => json!("2100-01-01T00:00:00Z"),
        _ => {
            let text = format!("{mark} {name} {mark}");
            let most = schema["maxLength"].as_u64().unwrap_or(200).min(200);
            text.chars().take(usize::try_from(most).unwrap()).collect::<String>().into()
        }
    }
}
