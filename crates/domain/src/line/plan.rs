//! The exact changes that lead from observed to desired, in the order in which they are safe.

use super::change::{Change, FieldChange};
use super::desired::{Desired, ServerWish, VapiWish, Wish};
use super::diagnose::{credentials, our_number, server_differs};
use super::observed::{Observed, ServerView, TwilioNumber, TwilioView, VapiNumber};
use super::routing::{Method, Region, SmsOwner, VapiUrl, VoiceRoute, VoiceRouting, vapi_url, voice_route};

/// The changes, first first. Empty where nothing differs, and where the first check fails (a provider could not
/// be read, or the key is of another organisation than the line's): nothing is changed blindly. It is made anew
/// after every step.
pub fn plan(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let Ok((twilio, vapi, _)) = credentials(desired, observed) else { return Vec::new() };
    let number = our_number(desired.ours, Some(&desired.account_sid), &vapi.numbers);
    let mut changes = match (&desired.vapi, number) {
        (Some(wish), Some(number)) => {
            update(desired, wish, number, (twilio.number.is_ok(), observed.stale_token))
        }
        (Some(wish), None) => import(desired, wish, twilio).into_iter().collect(),
        (None, Some(number)) if Some(number.id) == desired.ours => {
            vec![Change::DeleteVapiNumber { number: number.id, name: number.name.clone() }]
        }
        (None, _) => Vec::new(),
    };
    if let Ok(number) = &twilio.number {
        let imports = matches!(changes.first(), Some(Change::ImportNumber { .. }));
        changes.extend(voice(desired, number, imports));
        changes.extend(sms(desired, number));
    }
    changes
}

/// The state that a plan starts from, as a desired state: what undo goes back to. Where an import follows, the
/// record that it makes must be put into `ours`, or undo leaves it alone. What nobody but Vapi knows is not part
/// of it: credentials of another Twilio account, and the secret of another server.
pub fn previous(desired: &Desired, observed: &Observed) -> Desired {
    let vapi = observed.vapi.known();
    let number = vapi.and_then(|vapi| our_number(desired.ours, Some(&desired.account_sid), &vapi.numbers));
    let at_twilio = observed.twilio.known().and_then(|twilio| twilio.number.as_ref().ok());
    Desired {
        ours: number.map(|number| number.id).or(desired.ours),
        vapi: number.map(|number| wish_of(desired, number)),
        voice: at_twilio.map_or(Wish::AsIs, |number| Wish::Exactly(number.voice.clone())),
        sms: at_twilio.map_or(Wish::AsIs, |number| Wish::Exactly(number.sms.clone())),
        ..desired.clone()
    }
}

fn wish_of(desired: &Desired, number: &VapiNumber) -> VapiWish {
    VapiWish {
        name: number.name.clone(),
        assistant: number.assistant_id,
        sms_owner: if number.sms_enabled == Some(true) { SmsOwner::Vapi } else { SmsOwner::Twilio },
        server: server_before(desired.vapi.as_ref().map(|wish| &wish.server), number.server.as_ref()),
    }
}

/// A server that the plan leaves as it is, the way back leaves too: its secret may be one that we do not know.
fn server_before(
    wished: Option<&Wish<Option<ServerWish>>>,
    found: Option<&ServerView>,
) -> Wish<Option<ServerWish>> {
    let known = |secret: &String| match wished {
        Some(Wish::Exactly(Some(wish))) => wish.secret_fingerprint.as_ref() == Some(secret),
        _ => wished.is_none(),
    };
    match wished {
        Some(Wish::AsIs) => Wish::AsIs,
        _ => Wish::Exactly(found.map(|server| ServerWish {
            url: server.url.clone(),
            secret_fingerprint: server.secret_fingerprint.clone().filter(known),
        })),
    }
}

fn import(desired: &Desired, wish: &VapiWish, twilio: &TwilioView) -> Option<Change> {
    let number = twilio.number.as_ref().ok()?;
    Some(Change::ImportNumber {
        phone: desired.phone.clone(),
        account_sid: desired.account_sid.clone(),
        name: wish.name.clone(),
        assistant: wish.assistant,
        sms_owner: wish.sms_owner,
        server: match &wish.server {
            Wish::Exactly(server) => server.clone(),
            Wish::AsIs => None,
        },
        side_effects: import_side_effects(desired.region, wish.sms_owner, number),
    })
}

/// What Vapi's import writes at Twilio (facts/vapi.md section 5.6).
fn import_side_effects(region: Region, sms_owner: SmsOwner, number: &TwilioNumber) -> Vec<FieldChange> {
    let TwilioNumber { voice, sms, .. } = number;
    let posted = |field: &str, from: Method| {
        FieldChange::new(field, Some(from.name().to_owned()), Some(Method::Post.name().to_owned()))
    };
    let mut effects = vec![
        FieldChange::new("voice_url", voice.voice_url.clone(), Some(region.voice_url())),
        posted("voice_method", voice.voice_method),
        FieldChange::new("status_callback", voice.status_callback.clone(), Some(region.status_url())),
    ];
    if sms_owner == SmsOwner::Vapi {
        effects.push(FieldChange::new("sms_url", sms.sms_url.clone(), Some(region.sms_url())));
        effects.push(posted("sms_method", sms.sms_method));
    }
    effects
}

fn update(
    desired: &Desired,
    wish: &VapiWish,
    number: &VapiNumber,
    (owned, stale_token): (bool, bool),
) -> Vec<Change> {
    let mut changes = Vec::new();
    // The credentials of an account that does not own the number would break a record that works.
    let other_account = number.account_sid.as_ref().is_some_and(|sid| *sid != desired.account_sid);
    if owned && (other_account || stale(stale_token, desired, number)) {
        let (from, to) = (number.account_sid.clone(), desired.account_sid.clone());
        changes.push(Change::SetVapiCredentials { number: number.id, from, to });
    }
    if number.assistant_id != wish.assistant || (number.has_squad && wish.assistant.is_some()) {
        changes.push(Change::LinkAssistant {
            number: number.id,
            from: number.assistant_id,
            to: wish.assistant,
            replaces_squad: number.has_squad,
        });
    }
    if let Wish::Exactly(to) = &wish.server
        && server_differs(wish, number.server.as_ref())
    {
        let from = number.server.as_ref().map(|server| server.url.clone());
        changes.push(Change::SetServer { number: number.id, from, to: to.clone() });
    }
    // Where Vapi does not say who answers texts, nothing is changed on a guess.
    if number.sms_enabled.is_some_and(|enabled| enabled != (wish.sms_owner == SmsOwner::Vapi)) {
        changes.push(Change::SetSmsOwner { number: number.id, to: wish.sms_owner });
    }
    changes
}

/// What is known of tokens is known of the record that is ours.
fn stale(stale_token: bool, desired: &Desired, number: &VapiNumber) -> bool {
    stale_token && desired.ours == Some(number.id)
}

fn voice(desired: &Desired, number: &TwilioNumber, imports: bool) -> Option<Change> {
    let from = &number.voice;
    let to = match &desired.voice {
        Wish::Exactly(to) => one_route(to),
        Wish::AsIs if desired.vapi.is_some() => to_vapi(desired.region, from, imports)?,
        Wish::AsIs => return None,
    };
    (to != *from).then(|| Change::SetVoiceRouting { number: number.sid.clone(), from: from.clone(), to })
}

/// The same without an application beside a trunk: Twilio ignores it, and does not say what it does when both
/// come at once (facts/twilio.md section 6).
fn one_route(routing: &VoiceRouting) -> VoiceRouting {
    let application_sid = routing.application_sid.clone().filter(|_| routing.trunk_sid.is_none());
    VoiceRouting { application_sid, ..routing.clone() }
}

/// The routing that reaches Vapi, where the present one does not. An import that comes first writes the
/// address itself, but leaves a trunk or an application in its way.
fn to_vapi(region: Region, from: &VoiceRouting, imports: bool) -> Option<VoiceRouting> {
    let overridden = !matches!(voice_route(from), VoiceRoute::Url(_) | VoiceRoute::Nowhere);
    let reaches = from.voice_method == Method::Post
        && from.voice_url.as_deref().is_some_and(|url| vapi_url(url) == VapiUrl::InboundCall(region));
    if !overridden && (reaches || imports) {
        return None;
    }
    let voice_url = if reaches { from.voice_url.clone() } else { Some(region.voice_url()) };
    Some(VoiceRouting {
        trunk_sid: None,
        application_sid: None,
        voice_url,
        voice_method: Method::Post,
        status_callback: from.status_callback.clone(),
    })
}

fn sms(desired: &Desired, number: &TwilioNumber) -> Option<Change> {
    let Wish::Exactly(to) = &desired.sms else { return None };
    (number.sms != *to).then(|| Change::SetSmsRouting {
        number: number.sid.clone(),
        from: number.sms.clone(),
        to: to.clone(),
    })
}
