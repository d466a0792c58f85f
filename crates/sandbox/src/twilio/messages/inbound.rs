//! A text arrives at a number (T10): it is written down, keywords are heeded, and the number's owner is told.

use std::sync::Arc;

use serde_json::{Value, json};

use super::draft::Draft;
use super::message::{Direction, Media, Sid};
use super::opt_out::Keyword;
use super::reply::{self, Talk};
use super::store::seconds;
use crate::calling_codes;
use crate::http::{Object, text};
use crate::state::{Shared, World};
use crate::twilio::Twilio;
use crate::twilio::catalogue::{self, Block};
use crate::twilio::numbers;
use crate::twilio::webhooks::{self, Call, Delivery};

/// A text on its way to a number.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) body: String,
    /// Content types, and where the files are kept.
    pub(crate) media: Vec<(String, String)>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// None when no number took it: nothing was written down.
    pub(crate) message_sid: Option<String>,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Arrival {
    /// The answer to `POST /sandbox/messages`.
    pub(crate) fn show(&self) -> Value {
        let deliveries: Vec<Value> = self.deliveries.iter().map(Delivery::show).collect();
        json!({"message_sid": self.message_sid, "deliveries": deliveries})
    }
}

/// Where the settings of a number lead a text (T6 [S][D]).
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// A service without an inbound URL: neither passed on nor written down.
    Swallowed,
    /// Written down, but nobody is told.
    Nobody,
    Url {
        url: String,
        method: String,
        fallback: Option<(String, String)>,
    },
}

/// Service, then application, then the number's own URL.
fn way(twilio: &Twilio, number: &Object) -> Way {
    let service = text(number, "phone_number").and_then(|phone| twilio.service_of(phone));
    let service = service.and_then(|sid| twilio.texting.services.get(sid));
    let own = service.is_none_or(|row| row.get("use_inbound_webhook_on_number") == Some(&json!(true)));
    if let Some(service) = service.filter(|_| !own) {
        return address(
            service,
            ["inbound_request_url", "inbound_method", "fallback_url", "fallback_method"],
        )
        .unwrap_or(Way::Swallowed);
    }
    let from = match text(number, "sms_application_sid") {
        Some(sid) => twilio.applications.get(sid),
        None => Some(number),
    };
    let fields = ["sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method"];
    from.and_then(|object| address(object, fields)).unwrap_or(Way::Nobody)
}

fn address(object: &Object, [url, method_field, fallback, fallback_method]: [&str; 4]) -> Option<Way> {
    let method = |field: &str| text(object, field).unwrap_or("POST").to_owned();
    Some(Way::Url {
        url: text(object, url)?.to_owned(),
        method: method(method_field),
        fallback: text(object, fallback).map(|url| (url.to_owned(), method(fallback_method))),
    })
}

/// A text arrives. Returns when its owner's server has answered, or failed to.
pub(crate) async fn arrive(shared: &Arc<Shared>, incoming: Incoming) -> Arrival {
    let received = {
        let world = &mut *shared.lock();
        let received = world.receive(&incoming, &shared.host);
        if received.is_none() {
            incoming.media.iter().for_each(|(_, path)| world.discard(path));
        }
        received
    };
    let Some((sid, way, talk)) = received else { return Arrival::default() };
    let mut arrival = Arrival { message_sid: Some(sid), deliveries: Vec::new() };
    if let Way::Url { url, method, fallback } = way {
        let call = Call {
            account: talk.account.clone(),
            event: "message.received",
            subject: talk.subject.clone(),
            url,
            method,
            params: talk.params.clone(),
            fallback,
            judge: reply::judge,
        };
        let called = webhooks::call(shared, &call).await;
        arrival.deliveries = reply::run(shared, &talk, called).await;
    }
    arrival
}

/// City, state, postal code and country of a number, as far as they are known: the keys are there even when
/// they are empty (T10).
pub(crate) fn geography(phone: &str) -> [String; 4] {
    let place = catalogue::place(phone);
    let of_place = |of: fn(&Block) -> &'static str| place.map(of).unwrap_or_default().to_owned();
    let country = calling_codes::country(phone).map(|(iso, _)| iso).unwrap_or_default();
    [
        of_place(|block| block.locality).to_uppercase(),
        of_place(|block| block.region),
        of_place(|block| block.postal_code),
        country.to_owned(),
    ]
}

impl World {
    /// Writes the text down, answers keywords, and says whom to tell. None when no number takes it.
    fn receive(&mut self, incoming: &Incoming, host: &str) -> Option<(String, Way, Talk)> {
        self.clock.tick();
        let Incoming { from, to, body, media } = incoming;
        let number = self.twilio.number(to)?;
        let account = text(number, "account_sid")?.to_owned();
        let (sms, way) = (numbers::can(number, "sms"), way(&self.twilio, number));
        if !sms || !self.twilio.is_active(&account) {
            return None;
        }
        let keyword = Keyword::of(body, to).filter(|_| media.is_empty());
        if way == Way::Swallowed {
            // Keywords are Twilio's own business (T14), also where nothing is passed on [?].
            keyword.into_iter().for_each(|keyword| self.obey(keyword, &account, to, from));
            return None;
        }
        let service = self.twilio.service_of(to).map(str::to_owned);
        let files = media.iter().map(|(kind, path)| Media {
            sid: self.ids.sid("ME"),
            content_type: kind.clone(),
            source: None,
            path: Some(path.clone()),
        });
        let files: Vec<Media> = files.collect();
        let sid = self.put_inbound((&account, service.as_deref()), (from, to), body, files);
        keyword.into_iter().for_each(|keyword| self.obey(keyword, &account, to, from));
        let advanced = service.as_ref().is_some_and(|sid| self.twilio.texting.advanced_opt_out.contains(sid));
        let params = self.fields(sid, keyword.filter(|_| advanced), host)?;
        let subject = self.twilio.messages.get(sid)?.full_sid();
        let talk =
            Talk { account, number: to.clone(), person: from.clone(), subject: subject.clone(), params };
        Some((subject, way, talk))
    }

    /// Does what a keyword asks for, with Twilio's own answer, free of charge; on toll-free numbers it is the
    /// network that answers.
    fn obey(&mut self, keyword: Keyword, account: &str, number: &str, person: &str) {
        self.heed(keyword, number, person);
        let (words, by_network) = keyword.answer(number);
        if by_network {
            let note = json!({"kind": "text", "from": number, "body": words, "media": [],
                "message_sid": null, "at": crate::clock::millis(self.clock.now())});
            self.phones.note(person, note);
            return;
        }
        let draft = Draft {
            direction: Direction::OutboundReply,
            free: true,
            ..Draft::new(account, number, person, words)
        };
        self.send_text(&draft);
    }

    /// Everything that the webhook tells, in the order in which it was captured (T10 [X]); media and the type
    /// of an opt-out at the end.
    fn fields(&self, sid: Sid, keyword: Option<Keyword>, host: &str) -> Option<Vec<(String, String)>> {
        let messages = &self.twilio.messages;
        let message = messages.get(sid)?;
        let full = message.full_sid();
        let (from, to) = (messages.text(message.from), messages.text(message.to));
        let account = messages.text(message.account);
        let [from_city, from_state, from_zip, from_country] = geography(from);
        let [to_city, to_state, to_zip, to_country] = geography(to);
        let pairs = [
            ("ToCountry", to_country),
            ("ToState", to_state),
            ("SmsMessageSid", full.clone()),
            ("NumMedia", message.media().len().to_string()),
            ("ToCity", to_city),
            ("FromZip", from_zip),
            ("SmsSid", full.clone()),
            ("FromState", from_state),
            ("SmsStatus", "received".to_owned()),
            ("FromCity", from_city),
            ("Body", message.body.to_string()),
            ("FromCountry", from_country),
            ("To", to.to_owned()),
            ("ToZip", to_zip),
            ("NumSegments", message.segments.to_string()),
            ("ReferralNumMedia", "0".to_owned()),
            ("MessageSid", full.clone()),
            ("AccountSid", account.to_owned()),
            ("From", from.to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        let mut fields: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(service) = messages.filled(message.service) {
            fields.insert(13, ("MessagingServiceSid".to_owned(), service.to_owned()));
        }
        for (index, media) in message.media().iter().enumerate() {
            // Twilio names its own host; here it is this sandbox's, where the media are.
            let base = format!("http://{host}/twilio/api/2010-04-01/Accounts/{account}");
            let url = format!("{base}/Messages/{full}/Media/{}", media.sid);
            fields.push((format!("MediaContentType{index}"), media.content_type.clone()));
            fields.push((format!("MediaUrl{index}"), url));
        }
        fields.extend(keyword.map(|keyword| ("OptOutType".to_owned(), keyword.name().to_owned())));
        Some(fields)
    }

    /// Whether the media of an inbound message can be had already: not in its first seconds (T13 [I]).
    pub(crate) fn media_ready(&self, created: i64) -> bool {
        seconds(self.clock.now()) >= created + self.settings.messaging.media_delay_s
    }
}
