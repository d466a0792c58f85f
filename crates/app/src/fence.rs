//! The fence of a restored backup (design section 6): while it stands, nothing is changed at the providers and nothing
//! is sent. Every way out asks the gate; here the gate follows the database, on every node.

use crate::accounts::{Caller, still};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, Permission, Problem};
use dialtone_store::accounts::first_tenant;
use dialtone_store::{Store, Topic, Tx, clock, fence as rows, instance};
use std::time::Duration;
use tokio::sync::watch;

pub use instance::Instance;

/// How often is looked without a wake-up: it may be lifted beside us, on the command line.
const LOOK: Duration = Duration::from_millis(500);

impl App {
    /// This installation, and since when its effects are held back.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn instance(&self) -> Result<Instance, Problem> {
        Ok(self.store().read(instance::get).await?.ok_or(Code::NotFound)?)
    }

    /// Whether effects are held back, as far as this node knows.
    pub fn is_fenced(&self) -> bool {
        !self.inner.gate.is_open()
    }

    /// Lets effects go out again, on every node.
    ///
    /// # Errors
    /// [`Code::Forbidden`] but for owners of the first organisation.
    pub async fn lift_fence(&self, caller: &Caller) -> Result<Instance, Problem> {
        let caller = caller.clone();
        let lifted = self.store().write(move |tx| {
            let caller = still(tx, &caller, Permission::InstanceChange)?;
            // Anybody may make an organisation and own that; the first one is of whoever runs the installation.
            if first_tenant(tx)?.is_none_or(|first| first != caller.tenant) {
                return Err(Problem::new(Code::Forbidden).with("role", caller.role.name()));
            }
            lift(tx, Some((&caller.tenant, &Actor::of(&caller))))
        });
        lifted.await?;
        self.follow_database().await?;
        self.instance().await
    }

    /// Sets the gate to what the database says, and the clock to its server's.
    pub(crate) async fn follow_database(&self) -> Result<(), dialtone_store::Error> {
        let look = |tx: &mut Tx| Ok::<_, dialtone_store::Error>((instance::get(tx)?, clock::of_server(tx)?));
        let (instance, server) = self.store().read(look).await?;
        if let Some(server) = server {
            crate::clock::follow(server);
        }
        let fenced_at = instance.and_then(|instance| instance.fenced_at);
        let (was_open, open) = (self.inner.gate.is_open(), fenced_at.is_none());
        self.inner.gate.set_open(open);
        if let Some(since) = fenced_at.filter(|_| was_open) {
            tracing::warn!(
                %since,
                "this is a restored backup: nothing is changed at the providers and nothing is sent until an owner \
                 lifts the fence"
            );
        }
        if open && !was_open {
            tracing::warn!("the fence was lifted: changes and messages go out again");
        }
        Ok(())
    }

    /// Until stopped: keeps the gate where the database says.
    pub(crate) async fn watch_database(self, mut stop: watch::Receiver<bool>) {
        let mut news = self.store().wakeups(Topic::Fence);
        while !*stop.borrow() {
            if let Err(error) = self.follow_database().await {
                tracing::warn!(%error, "whether the fence stands cannot be seen; the gate stays as it is");
            }
            tokio::select! {
                () = crate::operations::wait_for(&mut news, LOOK) => (),
                _ = stop.changed() => return,
            }
        }
    }
}

/// Lifts the fence of the database at this address, also beside a running server, which follows at once. Answers
/// whether there was one.
///
/// # Errors
/// Only for trouble with the database.
pub async fn lift_fence_of(database_url: String) -> Result<bool, dialtone_store::Error> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&database_url)).await;
    let store = opened.map_err(|error| dialtone_store::Error::Internal(error.to_string()))??;
    let lifted = store.write(|tx| lift(tx, None)).await;
    store.close().await;
    lifted.map_err(|_| dialtone_store::Error::Internal("the fence cannot be lifted".to_owned()))
}

/// Every organisation's trail says it; who did it is told only where they belong.
fn lift(tx: &mut Tx, by: Option<(&dialtone_store::Tenant, &Actor)>) -> Result<bool, Problem> {
    let Some(tenants) = rows::lift(tx)? else { return Ok(false) };
    for tenant in tenants {
        let system = Actor::system("fence");
        let actor = by.filter(|(own, _)| **own == tenant).map_or(&system, |(_, actor)| actor);
        record(tx, &tenant, actor, "fence.lifted", tenant.org(), None, None)?;
    }
    Ok(true)
}

/// Refuses to begin anything that ends in an effect outside, in the transaction that would begin it.
///
/// # Errors
/// [`Code::Fenced`].
pub(crate) fn refuse_if_fenced(tx: &mut Tx) -> Result<(), Problem> {
    match instance::get(tx)?.and_then(|instance| instance.fenced_at) {
        Some(_) => Err(Code::Fenced.into()),
        None => Ok(()),
    }
}
