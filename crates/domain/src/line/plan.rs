//! The exact changes that lead from observed to desired, in the order in which they are safe.

use super::change::{Change, FieldChange};
use super::desired::{Desired, ServerWish, VapiWish, Wish};
use super::diagnose::{our_number, server_differs};
use super::observed::{Observed, TwilioNumber, TwilioView, VapiNumber};
use super::routing::{Method, Region, SmsOwner, VapiUrl, VoiceRoute, VoiceRouting, vapi_url, voice_route};

/// The changes, first first. Empty where nothing differs, and where a provider could not be read: nothing is
/// changed blindly. It is made anew after every step.
pub fn plan(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let (Some(twilio), Some(vapi)) = (observed.twilio.known(), observed.vapi.known()) else {
        return Vec::new();
    };
    let number = our_number(desired, &vapi.numbers);
    let mut changes = match (&desired.vapi, number) {
        (Some(wish), Some(number)) => update(desired, wish, number),
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

/// The state that a plan starts from, as a desired state: what undo goes back to.
pub fn previous(desired: &Desired, observed: &Observed) -> Desired {
    let vapi = observed.vapi.known();
    let number = vapi.and_then(|vapi| our_number(desired, &vapi.numbers));
    let at_twilio = observed.twilio.known().and_then(|twilio| twilio.number.as_ref().ok());
    Desired {
        account_sid: number
            .and_then(|number| number.account_sid.clone())
            .unwrap_or(desired.account_sid.clone()),
        ours: number.map(|number| number.id).or(desired.ours),
        vapi: number.map(wish_of),
        voice: at_twilio.map_or(Wish::AsIs, |number| Wish::Exactly(number.voice.clone())),
        sms: at_twilio.map_or(Wish::AsIs, |number| Wish::Exactly(number.sms.clone())),
        ..desired.clone()
    }
}

fn wish_of(number: &VapiNumber) -> VapiWish {
    let server = number.server.as_ref().map(|server| ServerWish {
        url: server.url.clone(),
        secret_fingerprint: server.secret_fingerprint.clone(),
    });
    VapiWish {
        name: number.name.clone(),
        assistant: number.assistant_id,
        sms_owner: if number.sms_enabled == Some(true) { SmsOwner::Vapi } else { SmsOwner::Twilio },
        server: Wish::Exactly(server),
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

fn import_side_effects(region: Region, sms_owner: SmsOwner, number: &TwilioNumber) -> Vec<FieldChange> {
    let voice = &number.voice;
    let mut effects = vec![
        FieldChange::new("voice_url", voice.voice_url.clone(), Some(region.voice_url())),
        FieldChange::new("status_callback", voice.status_callback.clone(), Some(region.status_url())),
    ];
    if sms_owner == SmsOwner::Vapi {
        effects.push(FieldChange::new("sms_url", number.sms.sms_url.clone(), Some(region.sms_url())));
    }
    effects
}

fn update(desired: &Desired, wish: &VapiWish, number: &VapiNumber) -> Vec<Change> {
    let mut changes = Vec::new();
    if number.account_sid.as_ref().is_some_and(|sid| *sid != desired.account_sid) {
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

fn voice(desired: &Desired, number: &TwilioNumber, imports: bool) -> Option<Change> {
    let from = &number.voice;
    let to = match &desired.voice {
        Wish::Exactly(to) => to.clone(),
        Wish::AsIs if desired.vapi.is_some() => to_vapi(desired.region, from, imports)?,
        Wish::AsIs => return None,
    };
    (to != *from).then(|| Change::SetVoiceRouting { number: number.sid.clone(), from: from.clone(), to })
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
