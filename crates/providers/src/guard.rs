//! The one way to a web address that came from outside (design section 6): which may be called, and how.
//!
//! The name is resolved once, every address it has must be allowed, and the connection goes to those very addresses, so
//! that a name which points elsewhere a moment later gains nothing. No redirect is followed, no proxy of the environment
//! is used, and time and size are bounded.

use crate::gate::Gate;
use dialtone_domain::{Code, Problem};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, redirect};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use url::{Host, Url};

/// How long one request may take, its answer included.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// The longest address.
const URL_BYTES_MAX: usize = 2048;
/// Ports where web servers are.
const PORTS: [u16; 3] = [443, 8443, 4443];

/// What is not the public internet: the registries of special addresses (RFC 6890 and later ones), and what would
/// lead to such an address through a translation.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let nets = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ];
    // Of IPv6 only what is given out to the public is allowed, less these.
    let nets_v6 = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];
    nets.iter().chain(&nets_v6).map(|net| net.parse().expect("a test reads them")).collect()
});

static GLOBAL_V6: LazyLock<IpNet> = LazyLock::new(|| "2000::/3".parse().expect("a network"));

/// Whether an address is on the public internet.
fn is_public(address: IpAddr) -> bool {
    let special = SPECIAL.iter().any(|net| net.contains(&address));
    !special && (address.is_ipv4() || GLOBAL_V6.contains(&address))
}

/// An IPv4 address in IPv6 clothes is what it is.
fn undressed(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Who looks names up.
type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
type Looking = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Which addresses a client may connect to.
#[derive(Clone)]
struct Allowed {
    /// The operator's networks.
    private: Arc<[IpNet]>,
    /// Whether the public internet is allowed besides.
    public: bool,
    lookup: Lookup,
}

impl Allowed {
    fn is(&self, address: IpAddr) -> bool {
        let address = undressed(address);
        self.private.iter().any(|net| net.contains(&address)) || (self.public && is_public(address))
    }

    /// All addresses of a name, if every one is allowed.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Refusal> {
        let found = (self.lookup)(name.to_owned()).await.map_err(|_| Refusal::Unknown)?;
        match found.as_slice() {
            [] => Err(Refusal::Unknown),
            all if all.iter().all(|address| self.is(*address)) => Ok(found),
            _ => Err(Refusal::Address),
        }
    }
}

impl Resolve for Allowed {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.clone();
        Box::pin(async move {
            let found = Allowed::resolve(&allowed, name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not an address at all, or too long.
    #[error("it is not a web address")]
    Malformed,
    /// Neither https nor, in the operator's networks, http.
    #[error("it does not begin with https://")]
    Scheme,
    /// A user name or a password in it.
    #[error("it holds a user name or a password")]
    User,
    /// A port where no web server is.
    #[error("its port is not one of a web server")]
    Port,
    /// The name has no address.
    #[error("its name is not known")]
    Unknown,
    /// A private, local or special address.
    #[error("it leads into a private or special network")]
    Address,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(Code::AddressForbidden).with("why", refusal.to_string())
    }
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// An address that was looked at, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    url: Url,
    /// Only in the operator's networks: plain HTTP and odd ports are for these.
    private_only: bool,
}

/// Calls web addresses that came from outside. Clones share everything.
#[derive(Clone)]
pub struct Guard {
    everywhere: (Allowed, Client),
    private: (Allowed, Client),
    gate: Gate,
}

impl Guard {
    /// A guard that allows the public internet and these networks, separated by commas or spaces.
    ///
    /// # Errors
    /// A sentence that names what is no network.
    pub fn new(private: &str, gate: Gate) -> Result<Self, String> {
        Self::with_lookup(private, gate, PATIENCE, |name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        })
    }

    /// The same with another patience and another way to look names up.
    ///
    /// # Errors
    /// As [`Guard::new`].
    pub fn with_lookup(
        private: &str,
        gate: Gate,
        patience: Duration,
        lookup: impl Fn(String) -> Looking + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let private: Arc<[IpNet]> = networks(private)?.into();
        let lookup: Lookup = Arc::new(lookup);
        let way = |public| {
            let allowed = Allowed { private: private.clone(), public, lookup: lookup.clone() };
            client(allowed.clone(), patience).map(|client| (allowed, client))
        };
        Ok(Self { everywhere: way(true)?, private: way(false)?, gate })
    }

    /// Looks at an address: its form, and every address that its name has now.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn check(&self, text: &str) -> Result<Destination, Refusal> {
        let destination = form(text)?;
        let (allowed, _) = self.way(&destination);
        match destination.url.host().ok_or(Refusal::Malformed)? {
            Host::Ipv4(address) if allowed.is(address.into()) => (),
            Host::Ipv6(address) if allowed.is(address.into()) => (),
            Host::Ipv4(_) | Host::Ipv6(_) => return Err(destination.refused()),
            Host::Domain(name) => match allowed.resolve(name).await {
                Err(Refusal::Address) => return Err(destination.refused()),
                found => drop(found?),
            },
        }
        Ok(destination)
    }

    /// Sends a body there, once. The name is resolved and looked at again as the connection is made.
    ///
    /// # Errors
    /// [`Code::Fenced`]; [`Code::AddressForbidden`]; [`Code::WebhookFailed`] where no answer came.
    pub async fn post(
        &self,
        destination: &Destination,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, Problem> {
        self.gate.check()?;
        let (_, client) = self.way(destination);
        let sent = client.post(destination.url.clone()).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        // The status is the answer; what is not read of the body is not missed.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Reply { status, body })
    }

    fn way(&self, destination: &Destination) -> &(Allowed, Client) {
        if destination.private_only { &self.private } else { &self.everywhere }
    }
}

impl Destination {
    /// Why it is refused, where its address is not in the operator's networks.
    fn refused(&self) -> Refusal {
        match (self.private_only, self.url.scheme()) {
            (false, _) => Refusal::Address,
            (true, "https") => Refusal::Port,
            (true, _) => Refusal::Scheme,
        }
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let network = |word: &str| {
        let net = word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| format!("{word} is not a network, such as 10.0.0.0/8"))
    };
    words.map(network).collect()
}

/// Whether a text lists networks as [`Guard::new`] takes them.
pub fn are_networks(text: &str) -> bool {
    networks(text).is_ok()
}

/// What can be told from the text alone.
fn form(text: &str) -> Result<Destination, Refusal> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > URL_BYTES_MAX || text.contains(odd) {
        return Err(Refusal::Malformed);
    }
    let mut url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::User);
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if port == 0 {
        return Err(Refusal::Port);
    }
    // A name's last dot changes nothing for the resolver, and much for who compares names.
    let domain = url.domain().map(|name| name.trim_end_matches('.').to_owned());
    if let Some(domain) = domain {
        url.set_host(Some(&domain)).map_err(|_| Refusal::Malformed)?;
    }
    url.set_fragment(None);
    let private_only = url.scheme() == "http" || !PORTS.contains(&port);
    Ok(Destination { url, private_only })
}

fn client(allowed: Allowed, patience: Duration) -> Result<Client, String> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("dialtone/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // A connection that is kept would outlive the check of its address.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT)
        .timeout(patience)
        .dns_resolver(Arc::new(allowed));
    builder.build().map_err(|error| format!("no HTTP client: {error}"))
}

/// The error itself is not kept: it holds the address, which may hold a secret.
fn failed(error: &reqwest::Error) -> Problem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(one) = cause {
        if let Some(refusal) = one.downcast_ref::<Refusal>() {
            return (*refusal).into();
        }
        cause = one.source();
    }
    let why = match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        _ => "the connection was lost",
    };
    Problem::new(Code::WebhookFailed).with("why", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn t21_the_table_of_networks_reads_and_translations_lead_nowhere() {
        assert!(SPECIAL.len() > 20);
        for special in [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V4(Ipv4Addr::BROADCAST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            "64:ff9b::7f00:1".parse().unwrap(),
            "64:ff9b:1::1".parse().unwrap(),
            "2002:7f00:1::".parse().unwrap(),
            "2001:0:7f00:1::".parse().unwrap(),
            "fd00::1".parse().unwrap(),
            "fe80::1".parse().unwrap(),
            "fec0::1".parse().unwrap(),
            "ff02::1".parse().unwrap(),
            "5f00::1".parse().unwrap(),
        ] {
            assert!(!is_public(undressed(special)), "{special}");
        }
        assert!(!is_public(undressed("::ffff:10.0.0.1".parse().unwrap())));
        assert!(is_public("93.184.216.34".parse().unwrap()));
        assert!(is_public("2606:2800:220:1::1".parse().unwrap()));
    }
}
