//! Media of messages (T13): metadata, and the content on a second host.

use serde_json::json;

use super::list::own;
use super::message::{Media, Message, Sid};
use super::store::instant;
use crate::clock::rfc2822;
use crate::http::{Object, Reply};
use crate::storage;
use crate::twilio::errors::Problem;
use crate::twilio::paging::{self, Page};
use crate::twilio::{Answer, Ctx};

/// `GET …/Messages/{MM}/Media.json`: empty while the media of an inbound message are not ready (T13 [I]).
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = own(ctx)?;
    let (size, number) = paging::wanted(ctx)?;
    let start = number.saturating_mul(size);
    let message = ctx.world.twilio.messages.get(sid);
    let ready = message.filter(|message| is_ready(ctx, message));
    let media = ready.map(Message::media).unwrap_or_default();
    let shown = media.iter().rev().skip(start).take(size);
    let items: Vec<Object> = shown.filter_map(|media| Some(show(ctx, message?, media))).collect();
    let more_after = media.iter().rev().nth(start + size).map(|media| media.sid.clone());
    let page = Page { items, size, number, start, more_after };
    Ok(paging::sheet(ctx, "media_list", "Media", page))
}

fn is_ready(ctx: &Ctx<'_>, message: &Message) -> bool {
    message.is_outbound() || ctx.world.media_ready(message.created)
}

fn show(ctx: &Ctx<'_>, message: &Message, media: &Media) -> Object {
    let parent = message.full_sid();
    let date = |seconds: i64| json!(rfc2822(instant(seconds)));
    let fields = [
        ("sid", json!(media.sid)),
        ("account_sid", json!(ctx.account)),
        ("parent_sid", json!(parent)),
        ("content_type", json!(media.content_type)),
        ("date_created", date(message.created)),
        ("date_updated", date(message.created)),
        (
            "uri",
            json!(format!("/2010-04-01/Accounts/{}/Messages/{parent}/Media/{}.json", ctx.account, media.sid)),
        ),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The message and the place of the media in it.
fn find(ctx: &Ctx<'_>) -> Result<(Sid, usize), Problem> {
    let sid = own(ctx)?;
    let message = ctx.world.twilio.messages.get(sid).filter(|message| is_ready(ctx, message));
    let place = message.and_then(|message| message.media().iter().position(|media| media.sid == ctx.ids[1]));
    place.map(|place| (sid, place)).ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// `GET …/Media/{ME}.json` is the metadata; without `.json` it is the content, by a redirect to the host that
/// keeps it, whose address is its own permission: `Authorization` is refused there (T13 [D][I]).
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (sid, place) = find(ctx)?;
    let not_found = || Problem::not_found(&ctx.uri);
    let message = ctx.world.twilio.messages.get(sid).ok_or_else(not_found)?;
    let media = message.media().get(place).ok_or_else(not_found)?;
    if ctx.uri.ends_with(".json") {
        return Ok(Answer::item(200, "Media", show(ctx, message, media)));
    }
    let path = media.path.as_deref().ok_or_else(not_found)?;
    let host = ctx.request.header("host").unwrap_or_default();
    let reply = Reply::new(307, "text/plain", "").with("location", storage::url(host, path));
    Ok(Answer::Plain(reply))
}

/// `DELETE …/Media/{ME}.json`.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (sid, place) = find(ctx)?;
    let removed =
        ctx.world.twilio.messages.get_mut(sid).map(|message| message.more_mut().media.remove(place));
    if let Some(path) = removed.and_then(|media| media.path) {
        ctx.world.discard(&path);
    }
    Ok(Answer::deleted())
}
