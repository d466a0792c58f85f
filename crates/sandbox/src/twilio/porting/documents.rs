//! Documents for a port: `numbers-upload.twilio.com/v1/Documents` (T20.2 [D]).

use serde_json::json;

use super::super::{Answer, Ctx};
use crate::clock::iso;
use crate::http::Object;
use crate::twilio::errors::Problem;

const BYTES_MAX: usize = 10 * 1024 * 1024;
/// The types that are taken, by the bytes that such a file begins with: a name can say anything.
const TYPES: [(&[u8], &str); 3] =
    [(b"%PDF", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png")];

/// `POST /v1/Documents`, a form of several parts. A file that cannot be used is taken all the same, and has
/// an empty `mime_type` (T20.2 [D]). The file itself is not kept: nothing gives it out again.
pub(super) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let missing = |name: &str| Problem::new(20422, format!("Parameter {name} is required"));
    let parts = ctx.request.parts().ok_or_else(|| missing("File"))?;
    let kind = ctx.form.filled("document_type").ok_or_else(|| missing("document_type"))?;
    let file = parts.iter().find(|part| part.name == "File" && part.file_name.is_some());
    let file = file.ok_or_else(|| missing("File"))?;
    if kind != "utility_bill" {
        return Err(Problem::new(20422, format!("document_type is not valid: {kind}")));
    }
    if file.body.len() > BYTES_MAX {
        return Err(Problem::new(20422, "File is larger than 10 MB"));
    }
    let known = TYPES.iter().find(|(start, _)| file.body.starts_with(start)).map(|(_, of)| *of);
    let now = iso(ctx.world.clock.now());
    let document = json!({
        "sid": ctx.world.ids.sid("RD"),
        "account_sid": ctx.account,
        "document_type": kind,
        "friendly_name": ctx.form.filled("friendly_name"),
        "mime_type": known.unwrap_or_default(),
        // The words are not documented [?].
        "status": if known.is_some() { "pending_review" } else { "failed" },
        "version": 1,
        "date_created": now,
        "date_updated": now,
    });
    let document: Object = serde_json::from_value(document).unwrap_or_default();
    ctx.world.twilio.porting.documents.put(document.clone());
    Ok(Answer::item(201, "", document))
}
