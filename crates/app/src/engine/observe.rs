//! Reads the live state of both providers about one number, side by side, into one plain value.

use dialtone_domain::line::{
    Account, AccountKind, AccountStatus, Assistant, Elsewhere, LastCall, Method, NumberStatus, Observed,
    Reading, ServerView, SmsRouting, TwilioNumber, TwilioView, VapiNumber, VapiView, VoiceRouting,
    our_number,
};
use dialtone_domain::{AccountSid, AssistantId, Code, Phone, Problem, VapiNumberId};
use dialtone_providers::{Listed, Twilio, Vapi, twilio, vapi};

use super::apply::Hands;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What plans are made of.
    Wiring,
    /// The last call, too.
    WithCalls,
}

/// Whom to ask about which number.
pub(crate) struct Question<'a> {
    pub(crate) phone: &'a Phone,
    pub(crate) account_sid: Option<&'a AccountSid>,
    pub(crate) ours: Option<VapiNumberId>,
    pub(crate) import_refusal: Option<Code>,
    /// The assistant that should answer.
    pub(crate) assistant: Option<AssistantId>,
    pub(crate) stale_token: bool,
    pub(crate) depth: Depth,
    /// What was read for several numbers at once.
    pub(crate) shared: Option<&'a Shared>,
}

/// Vapi's assistants and numbers.
type AtVapi = (Listed<vapi::Assistant>, Vec<vapi::VapiNumber>);

/// What is read once for several numbers of one Twilio account and one Vapi key.
pub(crate) struct Shared {
    /// Absent where there is no client to ask.
    pub(crate) twilio: Option<Result<(Account, Vec<twilio::IncomingNumber>), Problem>>,
    pub(crate) vapi: Option<Result<AtVapi, Problem>>,
}

/// From so many numbers on, whole lists are cheaper than asking for each.
const LISTS_FROM: usize = 4;

impl Shared {
    /// The account and its numbers.
    pub(crate) async fn twilio(
        client: &Twilio,
        lines: usize,
    ) -> Result<(Account, Vec<twilio::IncomingNumber>), Problem> {
        let account = account_of(&client.account().await?);
        let listed = lines >= LISTS_FROM && account.status == AccountStatus::Active;
        let numbers = if listed { client.numbers().await?.items } else { Vec::new() };
        Ok((account, numbers))
    }

    /// The assistants and the numbers' records.
    pub(crate) async fn vapi(
        client: &Vapi,
        lines: usize,
    ) -> Result<(Listed<vapi::Assistant>, Vec<vapi::VapiNumber>), Problem> {
        let assistants = client.assistants().await?;
        let numbers = if lines >= LISTS_FROM { client.phone_numbers().await?.items } else { Vec::new() };
        Ok((assistants, numbers))
    }
}

/// Asks both at once.
pub(crate) async fn observe(hands: &Hands, question: &Question<'_>) -> Observed {
    let twilio = async {
        match &hands.twilio {
            Ok(Some(client)) => reading(twilio_part(client, question.phone, question.shared).await),
            Ok(None) => Reading::NotConfigured,
            Err(problem) => Reading::Failed(problem.clone()),
        }
    };
    let vapi = async {
        match &hands.vapi {
            Ok(Some(client)) => reading(vapi_view(client, question).await),
            Ok(None) => Reading::NotConfigured,
            Err(problem) => Reading::Failed(problem.clone()),
        }
    };
    let (twilio, vapi) = tokio::join!(twilio, vapi);
    Observed { twilio, vapi, import_refusal: question.import_refusal, stale_token: question.stale_token }
}

/// Why the state of both providers is not known, where it is not.
pub(super) fn unreadable(observed: &Observed) -> Option<Problem> {
    let twilio = match &observed.twilio {
        Reading::NotConfigured => Some(Problem::new(Code::TwilioCredentialsMissing)),
        Reading::Failed(problem) => Some(problem.clone()),
        Reading::Known(_) => None,
    };
    let vapi = match &observed.vapi {
        Reading::NotConfigured => Some(Problem::new(Code::VapiKeyMissing)),
        Reading::Failed(problem) => Some(problem.clone()),
        Reading::Known(_) => None,
    };
    twilio.or(vapi)
}

fn reading<T>(answer: Result<T, Problem>) -> Reading<T> {
    match answer {
        Ok(view) => Reading::Known(view),
        Err(problem) => Reading::Failed(problem),
    }
}

/// Twilio's part: the account and the number, or where else the number is.
pub(crate) async fn twilio_view(client: &Twilio, phone: &Phone) -> Result<TwilioView, Problem> {
    twilio_part(client, phone, None).await
}

async fn twilio_part(client: &Twilio, phone: &Phone, shared: Option<&Shared>) -> Result<TwilioView, Problem> {
    let (account, listed) = match shared.and_then(|shared| shared.twilio.as_ref()) {
        Some(read) => {
            let (account, numbers) = read.as_ref().map_err(Problem::clone)?;
            (account.clone(), numbers.iter().find(|number| number.phone == *phone).cloned())
        }
        None => (account_of(&client.account().await?), None),
    };
    if account.status == AccountStatus::Inactive {
        return Ok(TwilioView { account, number: Err(Elsewhere::Unknown) });
    }
    // A number that a list lacks is asked for: lists have an end.
    let number = match listed {
        Some(number) => Some(number),
        None => client.number(phone).await?,
    };
    let number = match number {
        Some(number) => Ok(number_of(number)),
        None => Err(elsewhere(client, phone).await?),
    };
    Ok(TwilioView { account, number })
}

async fn elsewhere(client: &Twilio, phone: &Phone) -> Result<Elsewhere, Problem> {
    for subaccount in client.subaccounts().await?.items {
        if client.number_in(&subaccount.sid, phone).await?.is_some() {
            return Ok(Elsewhere::Subaccount(subaccount.sid));
        }
    }
    let caller_id = client.is_caller_id(phone).await?;
    Ok(if caller_id { Elsewhere::CallerId } else { Elsewhere::Unknown })
}

/// An account as the engine sees it.
pub(crate) fn account_of(account: &twilio::Account) -> Account {
    Account {
        sid: account.sid.clone(),
        name: account.friendly_name.clone().unwrap_or_default(),
        status: match account.status {
            twilio::AccountStatus::Active => AccountStatus::Active,
            _ => AccountStatus::Inactive,
        },
        kind: match account.kind {
            twilio::AccountKind::Trial => AccountKind::Trial,
            _ => AccountKind::Full,
        },
    }
}

fn number_of(number: twilio::IncomingNumber) -> TwilioNumber {
    TwilioNumber {
        sid: number.sid,
        takes_calls: number.capabilities.voice,
        updated_at: number.updated_at,
        voice: VoiceRouting {
            trunk_sid: number.trunk_sid,
            application_sid: number.voice_application_sid,
            voice_url: number.voice_url,
            voice_method: method(number.voice_method.as_deref()),
            status_callback: number.status_callback,
        },
        sms: SmsRouting {
            application_sid: number.sms_application_sid,
            sms_url: number.sms_url,
            sms_method: method(number.sms_method.as_deref()),
        },
    }
}

fn method(text: Option<&str>) -> Method {
    match text {
        Some(text) if text.eq_ignore_ascii_case("get") => Method::Get,
        _ => Method::Post,
    }
}

async fn vapi_view(client: &Vapi, question: &Question<'_>) -> Result<VapiView, Problem> {
    let (mut assistants, numbers) = match question.shared.and_then(|shared| shared.vapi.as_ref()) {
        Some(read) => {
            let (assistants, numbers) = read.as_ref().map_err(Problem::clone)?;
            let wanted = |number: &&vapi::VapiNumber| number.number.as_ref() == Some(question.phone);
            let listed: Vec<_> = numbers.iter().filter(wanted).cloned().collect();
            let numbers = match listed.is_empty() {
                true => client.numbers_matching(question.phone).await?.items,
                false => listed,
            };
            (assistants.clone(), numbers)
        }
        None => {
            let (assistants, numbers) =
                tokio::try_join!(client.assistants(), client.numbers_matching(question.phone))?;
            (assistants, numbers.items)
        }
    };
    let org_of_assistants = assistants.items.iter().find_map(|assistant| assistant.org_id);
    let org_id = org_of_assistants.or_else(|| numbers.iter().find_map(|number| number.org_id));
    let numbers: Vec<_> = numbers.into_iter().filter_map(vapi_number_of).collect();
    let ours = our_number(question.ours, question.account_sid, &numbers);
    let ids = [question.assistant, ours.and_then(|number| number.assistant_id)];
    add_missing(client, &mut assistants, ids.into_iter().flatten()).await?;
    let last_call = match ours.filter(|_| question.depth == Depth::WithCalls) {
        Some(number) => {
            client.last_calls(number.id, 1).await?.items.into_iter().next().and_then(last_call_of)
        }
        None => None,
    };
    let assistants = assistants
        .items
        .into_iter()
        .map(|assistant| Assistant { id: assistant.id, name: assistant.name.unwrap_or_default() });
    Ok(VapiView { org_id, assistants: assistants.collect(), numbers, last_call })
}

/// Where the list could not be read whole, the assistants that matter are asked for: one that a list lacks is not
/// thereby deleted.
async fn add_missing(
    client: &Vapi,
    listed: &mut Listed<vapi::Assistant>,
    ids: impl Iterator<Item = AssistantId>,
) -> Result<(), Problem> {
    let certain = listed.complete && listed.skipped == 0;
    for id in ids.filter(|_| !certain).collect::<Vec<_>>() {
        if !listed.items.iter().any(|assistant| assistant.id == id) {
            listed.items.extend(client.assistant(id).await?);
        }
    }
    Ok(())
}

/// Records of Twilio numbers only: what other carriers bring in under the same number is not ours to read.
fn vapi_number_of(number: vapi::VapiNumber) -> Option<VapiNumber> {
    (number.provider == vapi::VapiProvider::Twilio).then(|| VapiNumber {
        id: number.id,
        name: number.name.unwrap_or_default(),
        account_sid: number.twilio_account_sid,
        assistant_id: number.assistant_id,
        has_squad: number.squad_id.is_some() || number.workflow_id.is_some(),
        server: number
            .server
            .map(|server| ServerView { url: server.url, secret_fingerprint: server.secret_fingerprint }),
        sms_enabled: number.sms_enabled,
        status: match number.status {
            vapi::NumberStatus::Blocked => NumberStatus::Blocked,
            vapi::NumberStatus::Activating => NumberStatus::Activating,
            _ => NumberStatus::Active,
        },
        updated_at: number.updated_at,
    })
}

fn last_call_of(call: vapi::VapiCall) -> Option<LastCall> {
    Some(LastCall { at: call.created_at?, ended_reason: call.ended_reason })
}
