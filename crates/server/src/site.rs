//! What every handler shares.

use crate::events::Streams;
use crate::metrics::Metrics;
use dialtone_app::App;
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
    pub(crate) metrics: Metrics,
    pub(crate) streams: Streams,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Site {
    pub(crate) fn new(app: App, public_url: Url, stopping: watch::Receiver<bool>) -> Self {
        let (metrics, streams) = (Metrics::new(&app), Streams::default());
        Self(Arc::new(Inner { app, public_url, metrics, streams, stopping }))
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
