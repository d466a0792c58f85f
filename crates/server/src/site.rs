//! What every handler shares.

use crate::events::Streams;
use crate::hooks::Slots;
use crate::metrics::Metrics;
use crate::rates::Rates;
use crate::server::Options;
use dialtone_app::App;
use ipnet::IpNet;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// The application and what the server keeps besides. Clones are cheap.
#[derive(Clone)]
pub(crate) struct Site(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) app: App,
    /// Where browsers reach us.
    pub(crate) public_url: Url,
    /// Whose word on a client's address is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) rates: Rates,
    pub(crate) metrics: Metrics,
    pub(crate) streams: Streams,
    /// The turns of providers' requests.
    pub(crate) slots: Slots,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Site {
    pub(crate) fn new(app: App, public_url: Url, options: &Options, stopping: watch::Receiver<bool>) -> Self {
        let (metrics, streams) = (Metrics::new(&app), Streams::default());
        let trusted_proxies = options.trusted_proxies.clone();
        let rates = Rates::new(options.requests_per_minute);
        let slots = Slots::default();
        Self(Arc::new(Inner { app, public_url, trusted_proxies, rates, metrics, streams, slots, stopping }))
    }
}

impl Inner {
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

impl Deref for Site {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
