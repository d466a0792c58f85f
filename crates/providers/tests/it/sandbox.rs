//! Against the sandbox: the two clients and the two providers' wire formats, made apart from each other.

use crate::stub::{providers, quick};
use dialtone_domain::{AccountSid, AssistantId, Code, Phone, SecretString};
use dialtone_providers::twilio::{AccountKind, AccountStatus, NumberUpdate};
use dialtone_providers::vapi::{
    Assistant, ImportTwilio, Imported, NewAssistant, Server, TwilioCredentials, VapiNumberPatch,
};
use dialtone_providers::{Limits, Providers, Twilio, Vapi, fingerprint};
use dialtone_sandbox::Sandbox;
use serde_json::{Value, json};
use std::time::Duration;

const INBOUND: &str = "https://api.vapi.ai/twilio/inbound_call";

/// A sandbox with its default state: a full account with two numbers, a trial account, an organisation.
struct World {
    sandbox: Sandbox,
    http: reqwest::Client,
    providers: Providers,
    state: Value,
}

impl World {
    async fn start() -> Self {
        Self::with(quick()).await
    }

    async fn with(limits: Limits) -> Self {
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let providers = providers(&sandbox.url(), limits);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let mut world = Self { sandbox, http, providers, state: Value::Null };
        world.state = world.control("GET", "state", &json!({})).await;
        world
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        let request = self.http.request(method.parse().unwrap(), url).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn fault(&self, method: &str, path: &str, fault: Value) {
        let rule = json!({"method": method, "path": path, "times": 1, "fault": fault});
        self.control("POST", "faults", &rule).await;
    }

    fn account(&self, place: usize) -> (AccountSid, SecretString) {
        let account = &self.state["accounts"][place];
        let token = account["auth_token"].as_str().unwrap();
        (account["sid"].as_str().unwrap().parse().unwrap(), SecretString::from(token))
    }

    fn twilio(&self) -> Twilio {
        let (sid, token) = self.account(0);
        self.providers.twilio(&sid, &token)
    }

    fn vapi(&self) -> Vapi {
        self.vapi_of(&self.state["orgs"][0])
    }

    fn vapi_of(&self, org: &Value) -> Vapi {
        self.providers.vapi(&SecretString::from(org["private_key"].as_str().unwrap())).unwrap()
    }

    /// A number of the first account.
    fn phone(&self) -> Phone {
        let account = &self.state["accounts"][0]["sid"];
        let numbers = self.state["numbers"].as_array().unwrap();
        let own = numbers.iter().find(|number| &number["account_sid"] == account).unwrap();
        own["phone_number"].as_str().unwrap().parse().unwrap()
    }

    fn import(&self, assistant_id: Option<AssistantId>) -> ImportTwilio {
        let (account_sid, auth_token) = self.account(0);
        ImportTwilio {
            phone: self.phone(),
            account_sid,
            auth_token,
            name: "Front desk".into(),
            assistant_id,
            sms_enabled: false,
            server: Some(Server {
                url: "https://d.example/hook".into(),
                secret: Some(SecretString::from("s3cret")),
            }),
        }
    }

    async fn assistant(&self) -> Assistant {
        let new = NewAssistant {
            name: "Ada".into(),
            first_message: "Hello".into(),
            system_prompt: "Be kind.".into(),
            language: "en".into(),
        };
        self.vapi().create_assistant(&new).await.unwrap()
    }
}

#[tokio::test]
async fn a8_an_import_makes_the_number_answer() {
    let world = World::start().await;
    let (twilio, vapi, phone) = (world.twilio(), world.vapi(), world.phone());
    assert!(vapi.assistants().await.unwrap().items.is_empty());
    let assistant = world.assistant().await;
    assert_eq!(vapi.assistants().await.unwrap().items, std::slice::from_ref(&assistant));
    assert_eq!(vapi.assistant(assistant.id).await.unwrap(), Some(assistant.clone()));
    assert!(vapi.numbers_matching(&phone).await.unwrap().items.is_empty());

    let sms_before = twilio.number(&phone).await.unwrap().unwrap().sms_url;
    let import = world.import(Some(assistant.id));
    let Imported::Created(made) = vapi.import_twilio(&import).await.unwrap() else { panic!() };
    assert_eq!((made.number.as_ref(), made.assistant_id), (Some(&phone), Some(assistant.id)));
    assert_eq!(
        (made.sms_enabled, made.twilio_account_sid.as_ref()),
        (Some(false), Some(&import.account_sid))
    );
    assert_eq!(made.server.as_ref().unwrap().secret_fingerprint, Some(fingerprint("s3cret")));
    let found = vapi.numbers_matching(&phone).await.unwrap();
    assert_eq!((found.items.len(), found.items[0].id), (1, made.id));
    assert_eq!(vapi.phone_numbers().await.unwrap().items.len(), 1);

    let number = twilio.number(&phone).await.unwrap().unwrap();
    assert_eq!((number.voice_url.as_deref(), number.voice_method.as_deref()), (Some(INBOUND), Some("POST")));
    assert_eq!(number.sms_url, sms_before);
    assert!(number.capabilities.voice);

    let call = json!({"from": "+33700000001", "to": phone.as_str()});
    let heard = world.control("POST", "calls", &call).await;
    assert_eq!((heard["outcome"].as_str(), heard["heard"][0].as_str()), (Some("answered"), Some("Hello")));
    let calls = vapi.last_calls(made.id, 5).await.unwrap();
    assert_eq!((calls.items.len(), calls.skipped), (1, 0));

    assert_eq!(vapi.import_twilio(&import).await, Ok(Imported::AlreadyThere(made.id)));
    vapi.delete_number(made.id).await.unwrap();
    vapi.delete_number(made.id).await.unwrap();
    assert!(vapi.numbers_matching(&phone).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_record_is_changed_and_read_back() {
    let world = World::start().await;
    let (vapi, assistant) = (world.vapi(), world.assistant().await);
    let Imported::Created(made) = vapi.import_twilio(&world.import(None)).await.unwrap() else { panic!() };
    assert_eq!(made.assistant_id, None);
    let (account_sid, auth_token) = world.account(0);
    let patch = VapiNumberPatch {
        assistant_id: Some(Some(assistant.id)),
        squad_id: Some(None),
        name: Some("Desk".into()),
        sms_enabled: Some(false),
        server: Some(None),
        credentials: Some(TwilioCredentials { account_sid, auth_token }),
        ..VapiNumberPatch::default()
    };
    let now = vapi.update_number(made.id, &patch).await.unwrap();
    assert_eq!(
        (now.assistant_id, now.name.as_deref(), &now.server),
        (Some(assistant.id), Some("Desk"), &None)
    );
    let unlink = VapiNumberPatch { assistant_id: Some(None), ..VapiNumberPatch::default() };
    vapi.update_number(made.id, &unlink).await.unwrap();
    let found = vapi.numbers_matching(&world.phone()).await.unwrap();
    assert_eq!((found.items[0].id, found.items[0].assistant_id), (made.id, None));
}

#[tokio::test]
async fn a_number_is_changed_and_read_back() {
    let world = World::start().await;
    let (twilio, phone) = (world.twilio(), world.phone());
    let sid = twilio.number(&phone).await.unwrap().unwrap().sid;
    let update = NumberUpdate {
        voice_url: Some("https://d.example/voice".into()),
        sms_url: Some(String::new()),
        friendly_name: Some("Desk".into()),
        ..NumberUpdate::default()
    };
    let now = twilio.update_number(&sid, &update).await.unwrap();
    assert_eq!(now.voice_url.as_deref(), Some("https://d.example/voice"));
    assert_eq!((now.sms_url.as_deref(), now.friendly_name.as_deref()), (None, Some("Desk")));
    let bad = NumberUpdate { voice_url: Some("not a url".into()), ..NumberUpdate::default() };
    let problem = twilio.update_number(&sid, &bad).await.unwrap_err();
    assert_eq!(
        (problem.code, problem.provider.unwrap().code.as_deref()),
        (Code::TwilioRefused, Some("21402"))
    );
    let gone = format!("PN{}", "0".repeat(32)).parse().unwrap();
    assert_eq!(twilio.update_number(&gone, &update).await.unwrap_err().code, Code::NumberNotInAccount);
}

#[tokio::test]
async fn a6_the_causes_are_told_apart() {
    let world = World::start().await;
    let (sid, token) = world.account(0);
    let (trial_sid, trial_token) = world.account(1);
    let wrong = SecretString::from("0".repeat(32));
    let account = world.twilio().account().await.unwrap();
    assert_eq!((account.kind, account.status), (AccountKind::Full, AccountStatus::Active));
    let trial = world.providers.twilio(&trial_sid, &trial_token);
    assert_eq!(trial.account().await.unwrap().kind, AccountKind::Trial);
    assert_eq!(trial.number(&world.phone()).await, Ok(None));
    for twilio in [world.providers.twilio(&sid, &wrong), world.providers.twilio(&sid, &trial_token)] {
        assert_eq!(twilio.account().await.unwrap_err().code, Code::TwilioUnauthorized);
    }

    let vapi = world.vapi();
    let refused = async |change: &dyn Fn(&mut ImportTwilio)| {
        let mut import = world.import(None);
        change(&mut import);
        vapi.import_twilio(&import).await.unwrap_err().code
    };
    assert_eq!(refused(&|import| import.auth_token = wrong.clone()).await, Code::TwilioUnauthorized);
    let elsewhere = |import: &mut ImportTwilio| {
        import.account_sid = trial_sid.clone();
        import.auth_token = trial_token.clone();
    };
    assert_eq!(refused(&elsewhere).await, Code::NumberNotInAccount);
    let nobody: AssistantId = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    assert_eq!(refused(&|import| import.assistant_id = Some(nobody)).await, Code::AssistantNotFound);
    assert_eq!(refused(&|import| import.name = "n".repeat(41)).await, Code::VapiRefused);

    vapi.import_twilio(&world.import(None)).await.unwrap();
    let other = world.vapi_of(&world.control("POST", "orgs", &json!({})).await);
    let problem = other.import_twilio(&world.import(None)).await.unwrap_err();
    assert_eq!(problem.code, Code::VapiNumberInOtherOrg);
    let public = world.state["orgs"][0]["public_key"].as_str().unwrap();
    let public = world.providers.vapi(&SecretString::from(public)).unwrap();
    assert_eq!(public.assistants().await.unwrap_err().code, Code::VapiUnauthorized);

    world.control("POST", &format!("accounts/{sid}"), &json!({"status": "suspended"})).await;
    let suspended = world.providers.twilio(&sid, &token).number(&world.phone()).await.unwrap_err();
    assert_eq!(suspended.code, Code::TwilioAccountInactive);
}

#[tokio::test]
async fn a6_subaccounts_and_caller_ids_are_found() {
    let world = World::start().await;
    let (sid, _) = world.account(0);
    let sub = world.control("POST", "accounts", &json!({"owner_account_sid": sid.as_str()})).await;
    let number = json!({"account_sid": sub["sid"], "phone_number": "+14155550142"});
    world.control("POST", "numbers", &number).await;
    world.control("POST", "caller-ids", &json!({"phone_number": "+14155550143"})).await;
    let twilio = world.twilio();
    let subaccounts = twilio.subaccounts().await.unwrap().items;
    let sids: Vec<&str> = subaccounts.iter().map(|account| account.sid.as_str()).collect();
    assert_eq!(sids, [sub["sid"].as_str().unwrap()]);
    let phone: Phone = "+14155550142".parse().unwrap();
    assert_eq!(twilio.number(&phone).await, Ok(None));
    let found = twilio.number_in(&subaccounts[0].sid, &phone).await.unwrap().unwrap();
    assert_eq!(found.account_sid.as_ref(), Some(&subaccounts[0].sid));
    assert!(twilio.is_caller_id(&"+14155550143".parse().unwrap()).await.unwrap());
    assert!(!twilio.is_caller_id(&phone).await.unwrap());
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    let world = World::start().await;
    let sub = json!({"owner_account_sid": world.account(0).0.as_str()});
    for _ in 0..300 {
        world.control("POST", "accounts", &sub).await;
    }
    let subs = world.twilio().subaccounts().await.unwrap();
    assert_eq!((subs.items.len(), subs.skipped, subs.complete), (300, 0, true));
    for _ in 0..120 {
        world.assistant().await;
    }
    let assistants = world.vapi().assistants().await.unwrap();
    assert_eq!((assistants.items.len(), assistants.complete), (120, true));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_unclear_and_the_work_is_found_done() {
    let world = World::with(Limits { timeout: Duration::from_millis(1500), ..quick() }).await;
    let (vapi, phone) = (world.vapi(), world.phone());
    world.fault("POST", "^/vapi/phone-number$", json!({"drop": "after"})).await;
    let problem = vapi.import_twilio(&world.import(None)).await.unwrap_err();
    assert_eq!(problem.code, Code::ProviderUnclear);
    assert_eq!(vapi.numbers_matching(&phone).await.unwrap().items.len(), 1);

    for fault in [json!({"status": 500}), json!({"body": "<html>oops</html>"}), json!({"cut": true})] {
        world.fault("GET", "^/vapi/v2/phone-number", fault.clone()).await;
        let expected = if fault.get("body").is_some() { Err(Code::ProviderFailed) } else { Ok(1) };
        let found = vapi.numbers_matching(&phone).await;
        assert_eq!(found.map(|found| found.items.len()).map_err(|problem| problem.code), expected, "{fault}");
    }
    world.fault("GET", "IncomingPhoneNumbers", json!({"status": 429})).await;
    assert!(world.twilio().number(&phone).await.unwrap().is_some());
}
