//! Twilio's lists: newest first, `PageSize` 50 by default and 1000 at most, an opaque `PageToken` (T1 [S]).

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::errors::Problem;
use super::{Answer, Ctx};
use crate::http::{Object, text};

const SIZE_DEFAULT: usize = 50;
const SIZE_MAX: usize = 1_000;
const PAGING: [&str; 3] = ["PageSize", "Page", "PageToken"];

/// Something that a list shows.
pub(crate) trait Item {
    fn sid(&self) -> &str;
    fn show(&self) -> Object;
}

/// Resources that are kept as they are shown.
impl Item for Object {
    fn sid(&self) -> &str {
        text(self, "sid").unwrap_or_default()
    }

    fn show(&self) -> Object {
        self.clone()
    }
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Object>,
    pub(crate) size: usize,
    pub(crate) number: usize,
    /// The place of its first item in the list.
    pub(crate) start: usize,
    /// The SID that the next page's token names.
    pub(crate) more_after: Option<String>,
}

/// A page of the 2010 API: relative links beside the items. `items` come newest first.
pub(crate) fn relative<'i, T: Item + 'i>(
    ctx: &Ctx<'_>,
    key: &str,
    kind: &'static str,
    items: impl Iterator<Item = &'i T> + Clone,
) -> Result<Answer, Problem> {
    Ok(sheet(ctx, key, kind, cut(ctx, items)?))
}

/// A page of the 2010 API, ready to be shown.
pub(crate) fn sheet(ctx: &Ctx<'_>, key: &str, kind: &'static str, page: Page) -> Answer {
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
    Answer::Resource { status: 200, kind, body }
}

/// A page of the newer APIs: `meta` with absolute links (T1 [S]). `items` come newest first; `show` adds
/// what depends on the request, such as links.
pub(crate) fn absolute<'i, T: Item + 'i>(
    ctx: &Ctx<'_>,
    key: &str,
    items: impl Iterator<Item = &'i T> + Clone,
    show: impl Fn(Object) -> Object,
) -> Result<Answer, Problem> {
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
    body[key] = page.items.into_iter().map(show).map(Value::Object).collect();
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// The size and the number of the page that the query asks for.
pub(crate) fn wanted(ctx: &Ctx<'_>) -> Result<(usize, usize), Problem> {
    let size = match ctx.query.filled("PageSize").and_then(|size| size.parse().ok()) {
        Some(size) if size > SIZE_MAX => return Err(Problem::new(20007, "Page size must be at most 1000")),
        Some(size) if size > 0 => size,
        _ => SIZE_DEFAULT,
    };
    let number = ctx.query.filled("Page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(0);
    Ok((size, number as usize))
}

/// The last item of the page before.
pub(crate) fn last_seen<'c>(ctx: &'c Ctx<'_>) -> Option<&'c str> {
    ctx.query.filled("PageToken").and_then(|token| token.strip_prefix("PA"))
}

/// The page that the query asks for. A token names the last item seen; when that item is gone, and without
/// a token, the page's number decides (`Page` alone is only client state, T1 [S]).
fn cut<'i, T: Item + 'i>(ctx: &Ctx<'_>, items: impl Iterator<Item = &'i T> + Clone) -> Result<Page, Problem> {
    let (size, number) = wanted(ctx)?;
    let after = last_seen(ctx).and_then(|sid| items.clone().position(|item| item.sid() == sid));
    let start = after.map_or(number.saturating_mul(size), |index| index + 1);
    let mut shown: Vec<&T> = items.skip(start).take(size + 1).collect();
    let more = shown.len() > size;
    shown.truncate(size);
    let more_after = shown.last().filter(|_| more).map(|item| item.sid().to_owned());
    Ok(Page { items: shown.into_iter().map(Item::show).collect(), size, number, start, more_after })
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
