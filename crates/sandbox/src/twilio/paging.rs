//! Twilio's lists: newest first, `PageSize` 50 by default and 1000 at most, an opaque `PageToken` (T1 [S]).

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::errors::Problem;
use super::{Answer, Ctx};
use crate::http::Object;

const SIZE_DEFAULT: usize = 50;
const SIZE_MAX: usize = 1_000;
const PAGING: [&str; 3] = ["PageSize", "Page", "PageToken"];

struct Page {
    items: Vec<Object>,
    size: usize,
    number: usize,
    start: usize,
    /// The SID that the next page's token names.
    more_after: Option<String>,
}

/// A page of the 2010 API: relative links beside the items. `items` come oldest first.
pub(crate) fn relative(
    ctx: &Ctx<'_>,
    key: &str,
    kind: &'static str,
    items: Vec<Object>,
) -> Result<Answer, Problem> {
    let page = cut(ctx, items)?;
    let link = |number: usize, token: Option<&str>| json!(link(ctx, &ctx.uri, page.size, number, token));
    let mut body = json!({
        "page": page.number,
        "page_size": page.size,
        "start": page.start,
        "end": page.start + page.items.len().saturating_sub(1),
        "uri": link(page.number, ctx.query.get("PageToken")),
        "first_page_uri": link(0, None),
        "next_page_uri": page.more_after.as_deref().map(|sid| link(page.number + 1, Some(&token(sid)))),
        "previous_page_uri": page.number.checked_sub(1).map(|number| link(number, None)),
    });
    body[key] = page.items.into_iter().map(Value::Object).collect();
    Ok(Answer { status: 200, kind, body: Some(body) })
}

/// A page of the newer APIs: `meta` with absolute links (T1 [S]).
pub(crate) fn absolute(ctx: &Ctx<'_>, key: &str, items: Vec<Object>) -> Result<Answer, Problem> {
    let page = cut(ctx, items)?;
    let at = format!("{}{}", ctx.base, ctx.uri);
    let link = |number: usize, token: Option<&str>| json!(link(ctx, &at, page.size, number, token));
    let mut body = json!({"meta": {
        "key": key,
        "page": page.number,
        "page_size": page.size,
        "url": link(page.number, ctx.query.get("PageToken")),
        "first_page_url": link(0, None),
        "next_page_url": page.more_after.as_deref().map(|sid| link(page.number + 1, Some(&token(sid)))),
        "previous_page_url": page.number.checked_sub(1).map(|number| link(number, None)),
    }});
    body[key] = page.items.into_iter().map(Value::Object).collect();
    Ok(Answer { status: 200, kind: "", body: Some(body) })
}

/// The page that the query asks for. A token names the last item seen; when that item is gone, and without
/// a token, the page's number decides (`Page` alone is only client state, T1 [S]).
fn cut(ctx: &Ctx<'_>, mut items: Vec<Object>) -> Result<Page, Problem> {
    items.reverse();
    let size = match ctx.query.filled("PageSize").and_then(|size| size.parse().ok()) {
        Some(size) if size > SIZE_MAX => return Err(Problem::new(20007, "Page size must be at most 1000")),
        Some(size) if size > 0 => size,
        _ => SIZE_DEFAULT,
    };
    let number: usize = ctx.query.filled("Page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let last_seen = ctx.query.filled("PageToken").and_then(|token| token.strip_prefix("PA"));
    let after = last_seen.and_then(|sid| items.iter().position(|item| item.get("sid") == Some(&json!(sid))));
    let start = after.map_or(number.saturating_mul(size), |index| index + 1).min(items.len());
    let more = items.len() - start > size;
    let items: Vec<Object> = items.into_iter().skip(start).take(size).collect();
    let last_sid = || items.last()?.get("sid")?.as_str().map(str::to_owned);
    let more_after = if more { last_sid() } else { None };
    Ok(Page { size, number, start, more_after, items })
}

fn token(sid: &str) -> String {
    format!("PA{sid}")
}

fn link(ctx: &Ctx<'_>, at: &str, size: usize, number: usize, token: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    let filters = ctx.query.pairs().iter().filter(|(key, _)| !PAGING.contains(&key.as_str()));
    query.extend_pairs(filters);
    query.append_pair("PageSize", &size.to_string()).append_pair("Page", &number.to_string());
    if let Some(token) = token {
        query.append_pair("PageToken", token);
    }
    format!("{at}?{}", query.finish())
}
