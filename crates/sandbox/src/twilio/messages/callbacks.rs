//! Status callbacks (T12 [D]): one for each change after the first state, without time or number.

use std::sync::Arc;

use super::errors;
use super::message::{Message, Sid, Status};
use super::store::{Messages, instant};
use crate::http::text;
use crate::state::{Shared, World};
use crate::twilio::webhooks::{self, Call};

/// Tells whoever wants to know the message's present status.
pub(crate) async fn send(shared: &Arc<Shared>, sid: Sid) {
    let call = compose(&shared.lock(), sid);
    if let Some(call) = call {
        // Nobody reads the answer; a failure has raised its alert.
        webhooks::call(shared, &call).await;
    }
}

/// The message's own URL before the service's (T6 [S]); with neither, no callback.
fn compose(world: &World, sid: Sid) -> Option<Call> {
    let messages = &world.twilio.messages;
    let message = messages.get(sid)?;
    let own = message.more.as_ref().and_then(|more| more.callback.as_deref());
    let service = messages.filled(message.service).and_then(|sid| world.twilio.texting.services.get(sid));
    let url = own.or_else(|| service.and_then(|service| text(service, "status_callback")))?;
    Some(Call {
        account: messages.text(message.account).to_owned(),
        event: "message.status",
        subject: message.full_sid(),
        url: url.to_owned(),
        method: "POST".to_owned(),
        params: params(messages, message),
        fallback: None,
        judge: webhooks::any,
    })
}

fn params(messages: &Messages, message: &Message) -> Vec<(String, String)> {
    let (sid, status) = (message.full_sid(), message.status.name());
    let code = (message.error > 0).then(|| message.error.to_string());
    let words = code.as_ref().map(|_| errors::text(message.error).to_owned());
    // The carrier's clock, to the minute.
    let receipt = matches!(message.status, Status::Delivered | Status::Undelivered)
        .then(|| instant(message.updated).strftime("%y%m%d%H%M").to_string());
    let fields = [
        ("RawDlrDoneDate", receipt),
        ("ErrorCode", code),
        ("ErrorMessage", words),
        ("SmsSid", Some(sid.clone())),
        ("SmsStatus", Some(status.to_owned())),
        ("MessageStatus", Some(status.to_owned())),
        ("To", Some(messages.text(message.to).to_owned())),
        ("MessagingServiceSid", messages.filled(message.service).map(str::to_owned)),
        ("MessageSid", Some(sid)),
        ("AccountSid", Some(messages.text(message.account).to_owned())),
        ("From", Some(messages.text(message.from).to_owned())),
        ("ApiVersion", Some("2010-04-01".to_owned())),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
