//! Everything a sandbox knows, its initial state, and how it is shown.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::ids::Ids;
use crate::jobs::Jobs;
use crate::limits::{Limits, UnderWay};
use crate::log::RequestLog;
use crate::outbound::{self, OutboundLog};
use crate::phones::Phones;
use crate::scenario::Play;
use crate::settings::Settings;
use crate::spec::watch::Watch;
use crate::storage::Storage;
use crate::twilio::Twilio;
use crate::twilio::accounts::Kind;
use crate::twilio::numbers::{self, DEMO_VOICE_URL};
use crate::vapi::region::Region;
use crate::vapi::{INBOUND_CALL_URL, Vapi};

/// The numbers of the default state: valid for any phone number library, in two countries. Both point at
/// Vapi, which does not know them: their callers hear that the number was not found.
const FULL_ACCOUNT_NUMBERS: [&str; 2] = ["+14155552671", "+33612345678"];
const TRIAL_ACCOUNT_NUMBER: &str = "+12125552368";

/// One sandbox's whole state. The logs are not part of what is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) jobs: Jobs,
    pub(crate) phones: Phones,
    pub(crate) storage: Storage,
    pub(crate) twilio: Twilio,
    pub(crate) vapi: Vapi,
    pub(crate) faults: Faults,
    #[serde(default)]
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    /// How many provider requests were answered.
    pub(crate) handled: u64,
    /// Every scenario that was begun, in order.
    pub(crate) scenarios: Vec<Play>,
    #[serde(skip)]
    pub(crate) log: RequestLog,
    #[serde(skip)]
    pub(crate) outbound: OutboundLog,
}

impl World {
    /// The initial state. Without a seed: seed 0 and the real time; with one: the fixed start of time.
    pub(crate) fn new(seed: Option<u64>) -> World {
        let mut world = World {
            seed: seed.unwrap_or(0),
            ids: Ids::new(seed.unwrap_or(0)),
            clock: if seed.is_some() { Clock::fixed() } else { Clock::real() },
            jobs: Jobs::default(),
            phones: Phones::default(),
            storage: Storage::default(),
            twilio: Twilio::default(),
            vapi: Vapi::default(),
            faults: Faults::new(seed.unwrap_or(0)),
            settings: Settings::default(),
            limits: Limits::default(),
            handled: 0,
            scenarios: Vec::new(),
            log: RequestLog::default(),
            outbound: OutboundLog::default(),
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        let full = self.open_account(Kind::Full, "Dialtone sandbox", 50_000_000);
        for number in FULL_ACCOUNT_NUMBERS {
            self.give_number(&full, number, INBOUND_CALL_URL);
        }
        let trial = self.open_account(Kind::Trial, "Dialtone sandbox trial", 15_500_000);
        self.give_number(&trial, TRIAL_ACCOUNT_NUMBER, DEMO_VOICE_URL);
        self.open_org("Dialtone sandbox", Region::default());
        // After the others, so that theirs stay the ids of the documentation.
        let test = self.open_account(Kind::Full, "Dialtone sandbox test credentials", 0);
        if let Some(account) = self.twilio.account_mut(&test) {
            account.test = true;
        }
    }

    fn give_number(&mut self, account: &str, phone: &str, voice_url: &str) {
        let mut number = numbers::fresh(&mut self.ids, self.clock.now(), account, phone);
        number.insert("voice_url".to_owned(), json!(voice_url));
        self.twilio.numbers.put(number);
    }

    /// The answer to `GET /sandbox/state`.
    pub(crate) fn show(&self) -> Value {
        let orgs = self.vapi.show();
        json!({
            "seed": self.seed,
            "clock": self.clock.show(),
            "accounts": self.twilio.show_accounts(),
            "numbers": self.twilio.numbers.iter().collect::<Vec<_>>(),
            "messages": self.twilio.messages.show(),
            "message_count": self.twilio.messages.len(),
            "calls": self.twilio.calls,
            "trunks": self.twilio.show_trunks(),
            "applications": self.twilio.applications,
            "vapi": {"orgs": orgs},
            "orgs": orgs,
            "phones": self.phones.show(),
            "faults": self.faults.show(),
            "services": self.twilio.show_services(),
        })
    }
}

/// The state behind its lock, and what works on it besides the requests.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    /// Told whenever the time of the next job may have changed.
    pub(crate) changed: Notify,
    /// Held while time takes a step, so that two steps never overlap.
    pub(crate) stepping: tokio::sync::Mutex<()>,
    pub(crate) http: outbound::Clients,
    pub(crate) watch: Watch,
    /// Where it listens, for the addresses that it hands out without having been asked at one.
    pub(crate) host: String,
    /// Requests to Twilio that are not answered yet.
    pub(crate) under_way: Mutex<UnderWay>,
    /// Where the state is saved on request.
    pub(crate) state_file: Option<PathBuf>,
}

impl Shared {
    /// A state behind its lock; `host` is where it listens.
    pub(crate) fn new(world: World, host: String, state_file: Option<PathBuf>) -> Shared {
        Shared {
            world: Mutex::new(world),
            changed: Notify::new(),
            stepping: tokio::sync::Mutex::new(()),
            http: outbound::Clients::default(),
            watch: Watch::default(),
            host,
            under_way: Mutex::default(),
            state_file,
        }
    }

    /// Puts another state in the place of this one, between two steps of time: no step of the old one goes on
    /// in the new one.
    pub(crate) async fn replace(&self, world: World) {
        let _step = self.stepping.lock().await;
        *self.lock() = world;
    }

    /// Nothing waits while holding it. A handler that panicked must not take the whole sandbox with it: the state stays usable.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
