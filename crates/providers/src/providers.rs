//! What one process holds for both providers: addresses, connections, turns.

use crate::calls::Calls;
use crate::channel::Channel;
use crate::gate::Gate;
use crate::lane::Lanes;
use crate::limits::Limits;
use crate::{Twilio, Vapi};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use dialtone_domain::line::Region;
use dialtone_domain::{AccountSid, Code, ExposeSecret, Problem, Provider, SecretString};
use reqwest::header::HeaderValue;
use reqwest::{Client, redirect};
use std::sync::Arc;
use url::Url;

/// Where the providers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Twilio's, with `{product}` for `api`, `trunking` and so on.
    pub twilio: String,
    /// Vapi's.
    pub vapi: String,
}

impl Default for Addresses {
    /// The real ones, Vapi's in the US.
    fn default() -> Self {
        Self { twilio: REAL_TWILIO.to_owned(), vapi: "https://api.vapi.ai".to_owned() }
    }
}

const REAL_TWILIO: &str = "https://{product}.twilio.com";
const EU_VAPI_HOST: &str = "api.eu.vapi.ai";
const VAPI_HOSTS: [&str; 2] = ["api.vapi.ai", EU_VAPI_HOST];

/// Why the clients cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// Not `http://…` or `https://…` without user, query and fragment.
    #[error("the address of {0} is not usable: {1}")]
    Address(&'static str, String),
    /// The system's TLS roots cannot be read, for one.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// Both providers. Made once; clones share everything.
#[derive(Debug, Clone)]
pub struct Providers {
    client: Client,
    limits: Arc<Limits>,
    lanes: Arc<Lanes>,
    gate: Gate,
    calls: Calls,
    addresses: Addresses,
    twilio_api: Url,
    twilio_monitor: Url,
    vapi: Url,
}

impl Providers {
    /// The clients for these addresses, which change nothing while the gate is closed. Nothing is sent.
    pub fn new(addresses: Addresses, limits: Limits, gate: Gate) -> Result<Self, ProvidersError> {
        let twilio_api = base("Twilio", &addresses.twilio.replace("{product}", "api"))?;
        let twilio_monitor = base("Twilio", &addresses.twilio.replace("{product}", "monitor"))?;
        let vapi = base("Vapi", &addresses.vapi)?;
        let client = client(&limits, &[&twilio_api, &vapi])?;
        let lanes = Arc::new(Lanes::new(limits.clone()));
        let (calls, limits) = (Calls::default(), Arc::new(limits));
        Ok(Self { client, limits, lanes, gate, calls, addresses, twilio_api, twilio_monitor, vapi })
    }

    /// Twilio, with an account's own credentials.
    pub fn twilio(&self, account: &AccountSid, token: &SecretString) -> Twilio {
        let pair = format!("{account}:{}", token.expose_secret());
        let authorization = format!("Basic {}", BASE64.encode(pair));
        let authorization = HeaderValue::from_str(&authorization).expect("base64 is a header value");
        let channel = self.channel(Provider::Twilio, account.as_str(), token, authorization);
        Twilio::new(channel, [self.twilio_api.clone(), self.twilio_monitor.clone()], account.clone())
    }

    /// Vapi, with a private key. A key that no request can carry is [`Code::VapiKeyMalformed`].
    pub fn vapi(&self, key: &SecretString) -> Result<Vapi, Problem> {
        let text = key.expose_secret();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::new(Code::VapiKeyMalformed));
        }
        let authorization = HeaderValue::from_str(&format!("Bearer {text}"));
        let authorization = authorization.expect("visible ASCII is a header value");
        Ok(Vapi::new(self.channel(Provider::Vapi, "", key, authorization), self.vapi.clone()))
    }

    /// What is counted of all calls.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The region of the Vapi address.
    pub fn vapi_region(&self) -> Region {
        match self.vapi.host_str() {
            Some(EU_VAPI_HOST) => Region::Eu,
            _ => Region::Us,
        }
    }

    /// Whether both addresses are the real providers', where calls cost money and reach people.
    pub fn are_real(&self) -> bool {
        let vapi = self.vapi.host_str().is_some_and(|host| VAPI_HOSTS.contains(&host));
        self.addresses.twilio.trim_end_matches('/') == REAL_TWILIO && vapi && self.vapi.scheme() == "https"
    }

    fn channel(
        &self,
        provider: Provider,
        account: &str,
        secret: &SecretString,
        mut authorization: HeaderValue,
    ) -> Channel {
        authorization.set_sensitive(true);
        Channel {
            provider,
            client: self.client.clone(),
            limits: self.limits.clone(),
            gate: self.gate.clone(),
            calls: self.calls.clone(),
            lane: self.lanes.of(provider, account, secret),
            authorization,
            secret: secret.clone(),
        }
    }
}

fn base(name: &'static str, text: &str) -> Result<Url, ProvidersError> {
    let refused = |why: &str| ProvidersError::Address(name, why.to_owned());
    let url = Url::parse(text.trim_end_matches('/')).map_err(|error| refused(&error.to_string()))?;
    let plain = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        _ if !plain || url.query().is_some() || url.fragment().is_some() => {
            Err(refused("it has a user, a query or a fragment"))
        }
        "http" | "https" => Ok(url),
        _ => Err(refused("it is neither http nor https")),
    }
}

/// The one client of the process.
fn client(limits: &Limits, bases: &[&Url]) -> Result<Client, ProvidersError> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("dialtone/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(limits.connect_timeout)
        .timeout(limits.timeout)
        .tcp_nodelay(true);
    // The environment's proxy sees nothing of TLS, but would read, and could not reach, a plain sandbox.
    let builder = match bases.iter().all(|base| base.scheme() == "https") {
        true => builder,
        false => builder.no_proxy(),
    };
    // Without TLS the system's roots are not needed, and a bare container has none.
    let builder = match bases.iter().any(|base| base.scheme() == "https") {
        true => builder,
        false => builder.tls_certs_only([]),
    };
    builder.build().map_err(|error| ProvidersError::Client(error.to_string()))
}
