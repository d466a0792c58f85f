//! Which request a change belongs to. It is set once around the whole request, and the store notes it beside every
//! event, so that no use case has to hand it on.

use std::net::IpAddr;
use std::sync::Arc;

tokio::task_local! {
    static ORIGIN: Option<Arc<Origin>>;
}

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The request's id, as its answer and the log name it.
    pub request_id: String,
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// Runs the work of the request: what the store writes meanwhile comes from here.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        ORIGIN.scope(Some(Arc::new(self)), work).await
    }

    /// The same work with the present origin, to be spawned as a task of its own.
    pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
        ORIGIN.scope(Self::current(), work)
    }

    /// The origin of the work that is running, if it has one.
    pub(crate) fn current() -> Option<Arc<Self>> {
        ORIGIN.try_with(Clone::clone).ok().flatten()
    }
}
