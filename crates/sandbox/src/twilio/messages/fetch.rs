//! Twilio fetches the media of a message before it sends them (T13).

use std::sync::Arc;
use std::time::Duration;

use super::message::Sid;
use crate::outbound::{self, Outgoing};
use crate::state::Shared;
use crate::storage::Content;
use crate::twilio::alerts::Trouble;

/// All media of a message together (T13 [D]).
const BYTES_MAX: usize = 5 * 1024 * 1024;
const CONNECT_MAX: Duration = Duration::from_secs(5);
const READ_MAX: Duration = Duration::from_secs(15);
/// Types that are taken (T13 [D]); the list of others is shorter than Twilio's.
const TYPES: &[&str] =
    &["image/", "audio/", "video/", "text/vcard", "text/calendar", "text/csv", "application/pdf"];

/// Fetches what has not been fetched yet; the error is the code that the message fails with.
pub(crate) async fn media(shared: &Arc<Shared>, sid: Sid) -> Result<(), u16> {
    let (subject, account, sources) = {
        let world = shared.lock();
        let Some(message) = world.twilio.messages.get(sid) else { return Ok(()) };
        let missing = message.media().iter().enumerate().filter(|(_, media)| media.path.is_none());
        let sources: Vec<(usize, String)> =
            missing.filter_map(|(index, media)| Some((index, media.source.clone()?))).collect();
        let account = world.twilio.messages.text(message.account).to_owned();
        (message.full_sid(), account, sources)
    };
    let mut total = 0;
    for (index, url) in sources {
        let (content_type, bytes) = match one(shared, &subject, &url).await {
            Ok(file) => file,
            Err(code) => return Err(refuse(shared, &account, &subject, &url, code)),
        };
        total += bytes.len();
        if total > BYTES_MAX {
            return Err(refuse(shared, &account, &subject, &url, 11751));
        }
        let world = &mut *shared.lock();
        let path = world.store(&content_type, Content::Bytes(bytes));
        if let Some(message) = world.twilio.messages.get_mut(sid)
            && let Some(media) = message.more_mut().media.get_mut(index)
        {
            media.content_type = content_type;
            media.path = Some(path);
        }
    }
    Ok(())
}

/// A failure is in the debugger as well as on the message.
fn refuse(shared: &Shared, account: &str, subject: &str, url: &str, code: u16) -> u16 {
    let trouble = Trouble {
        code: code.into(),
        text: super::errors::text(code).to_owned(),
        resource_sid: subject.to_owned(),
        request_url: url.to_owned(),
        request_method: "GET".to_owned(),
        ..Trouble::default()
    };
    shared.lock().alert(account, "error", trouble);
    code
}

async fn one(shared: &Arc<Shared>, subject: &str, url: &str) -> Result<(String, hyper::body::Bytes), u16> {
    let outgoing = Outgoing {
        provider: "twilio".to_owned(),
        event: "message.media".to_owned(),
        subject: subject.to_owned(),
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![("User-Agent".to_owned(), "TwilioProxy/1.1".to_owned())],
        body: String::new(),
        connect_timeout: CONNECT_MAX,
        read_timeout: READ_MAX,
    };
    let answered = outbound::send(shared, &outgoing).await.map_err(|_| 11200_u16)?;
    if answered.status != 200 {
        return Err(11200);
    }
    let kind = answered.content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    match TYPES.iter().any(|known| kind.starts_with(known)) {
        true => Ok((kind, answered.body)),
        false => Err(12300),
    }
}
