//! A claimed operation in this process's hands: its lease is renewed beside the work, and what no worker gets through is
//! ended.

use super::run::Run;
use crate::clock::{now, steady};
use crate::start::App;
use dialtone_domain::{Code, Problem};
use dialtone_store::Tx;
use dialtone_store::operations::{self as rows, Claimed, OperationState};
use jiff::SignedDuration;
use std::time::Duration;

/// How long a claim holds without being renewed; it is renewed three times as often.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(12);
const RENEWAL: Duration = Duration::from_secs(4);

/// How often an operation is taken up before it is given up for lost: it panics, or cannot be read.
const ATTEMPTS_MAX: i64 = 50;

impl App {
    /// Works on a claimed operation until it is finished, postponed, or somebody else's.
    pub(crate) async fn run_operation(&self, claimed: Claimed) {
        let (tenant, id, fence) = (claimed.tenant.clone(), claimed.operation.id, claimed.operation.fence);
        if claimed.operation.attempt > ATTEMPTS_MAX {
            return self.bury(claimed).await;
        }
        let renewing = async {
            loop {
                tokio::time::sleep(RENEWAL).await;
                let tenant = tenant.clone();
                let renew = move |tx: &mut Tx| rows::renew(tx, &tenant, id, fence, steady() + LEASE);
                let renewed = self.store().write(renew).await;
                if !matches!(renewed, Ok(true)) {
                    return;
                }
            }
        };
        let running = async {
            let mut run = Run::load(self, claimed).await?;
            run.drive().await
        };
        tokio::select! {
            () = renewing => tracing::warn!(operation = %id, "the lease was lost"),
            result = running => drop(result),
        }
    }

    /// Ends an operation that no worker gets through: its line must not be busy for ever.
    async fn bury(&self, claimed: Claimed) {
        let Claimed { tenant, operation } = claimed;
        tracing::error!(operation = %operation.id, "given up: no worker gets through it");
        let problem = serde_json::to_value(Problem::new(Code::Internal)).ok();
        let (id, fence) = (operation.id, operation.fence);
        let ended = self.store().write(move |tx| {
            rows::finish(tx, &tenant, id, fence, OperationState::Unclear, problem.as_ref(), now())
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "it could not be ended; the next claim tries again");
        }
    }
}
