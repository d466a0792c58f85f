//! Files that are uploaded for assistants and knowledge bases ([S]).

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::errors::Problem;
use super::resources::{Kind, fetch, update};
use super::{Answer, Ctx, Org, Route, lists, validate};
use crate::http::{Object, text};
use crate::multipart::{self, Part};
use crate::rows::Rows;
use crate::storage::{self, Content};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "file", create),
    (Method::GET, "file", list),
    (Method::GET, "file/{}", fetch::<Files>),
    (Method::PATCH, "file/{}", update::<Files>),
    (Method::DELETE, "file/{}", delete),
];

const NAME_CHARS_MAX: usize = 40;
/// The real bucket's name is not known [?].
const BUCKET: &str = "vapi-public-files";

struct Files;

impl Kind for Files {
    fn rows(org: &Org) -> &Rows {
        &org.files
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.files
    }

    /// A file comes as a form, see `create`.
    fn check_new(_: &Object) -> Result<(), Problem> {
        Ok(())
    }

    fn check_change(_: &Object, body: &Object) -> Result<(), Problem> {
        validate::check("UpdateFileDTO", body)
    }
}

/// `POST /file`: a form with `file`, `purpose` and `metadata` ([S]). It is parsed at once.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let content_type = ctx.request.header("content-type").unwrap_or_default();
    let body = ctx.request.body.clone();
    let parts = multipart::parse(content_type, &body).unwrap_or_default();
    let (files, fields): (Vec<Part<'_>>, Vec<Part<'_>>) =
        parts.into_iter().partition(|part| part.name == "file");
    // 400 is described (V3.2 [S]); its text is not known [?].
    let file = files.first().ok_or_else(|| Problem::refused("Invalid file"))?;
    let mut given: Object =
        fields.iter().map(|part| (part.name.clone(), json!(String::from_utf8_lossy(part.body)))).collect();
    let mut checked = given.clone();
    checked.insert("file".to_owned(), json!(""));
    validate::check("CreateFileDTO", &checked)?;
    if let Some(metadata) = text(&given, "metadata").map(str::to_owned) {
        let parsed = serde_json::from_str::<Object>(&metadata);
        let parsed = parsed.map_err(|_| Problem::invalid(&["metadata must be a json string".to_owned()]))?;
        given.insert("metadata".to_owned(), Value::Object(parsed));
    }
    let object = stored(ctx, given, file, &body);
    let object = ctx.created(object);
    ctx.org_mut().files.put(object.clone());
    Ok(object.into())
}

/// The file's row; its bytes are on the second host.
fn stored(ctx: &mut Ctx<'_>, mut object: Object, file: &Part<'_>, body: &Bytes) -> Object {
    let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
    let path = ctx.world.store(kind, Content::Bytes(body.slice_ref(file.body)));
    let url = storage::url(ctx.request.header("host").unwrap_or("localhost"), &path);
    let name = file.file_name.clone().unwrap_or_else(|| "file".to_owned());
    let key = path.trim_start_matches("/storage/").to_owned();
    let fields = json!({
        "object": "file",
        "status": "done",
        "name": name.chars().take(NAME_CHARS_MAX).collect::<String>(),
        "originalName": name,
        "bytes": file.body.len(),
        "mimetype": kind,
        "key": key,
        "path": path,
        "bucket": BUCKET,
        "url": url,
    });
    object.extend(fields.as_object().cloned().unwrap_or_default());
    object
}

/// `GET /file`, by purpose. The description requires it; that leaving it out lists all is [?].
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let purpose = ctx.query.filled("purpose");
    let wanted = |file: &&Object| purpose.is_none_or(|purpose| text(file, "purpose") == Some(purpose));
    lists::array(&ctx.query, ctx.org().files.iter().filter(wanted))
}

/// `DELETE /file/{id}`: its bytes go too.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().files)?.clone();
    let id = ctx.id.clone();
    ctx.org_mut().files.remove(&id);
    ctx.world.discard(text(&found, "path").unwrap_or_default());
    Ok(found.into())
}
