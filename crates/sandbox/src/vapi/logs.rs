//! `GET /logs` (V1): what Vapi noted for an org, above all servers that failed. The route is in an older
//! description only; its shape here is that of the other pages [?].

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[(Method::GET, "logs", list)];

const LIMIT: usize = 100;

/// `GET /logs`, newest first; `callId` and `type` choose.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = ["callId", "type"].map(|name| (name, ctx.query.filled(name)));
    let wanted =
        |entry: &&Value| filters.iter().all(|(name, value)| value.is_none_or(|value| entry[*name] == value));
    let kept: Vec<&Value> = ctx.org().logs.iter().rev().filter(wanted).collect();
    let metadata = json!({"itemsPerPage": LIMIT, "totalItems": kept.len(), "currentPage": 1});
    let results: Vec<&Value> = kept.into_iter().take(LIMIT).collect();
    Ok(json!({"results": results, "metadata": metadata}).into())
}
