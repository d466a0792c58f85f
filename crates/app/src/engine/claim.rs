//! A claimed operation in this process's hands: its lease is renewed beside the work, and what no worker gets through is
//! ended.

use super::finish::tell_end;
use super::run::Run;
use crate::clock::{now, steady};
use crate::operations::Kind;
use crate::start::App;
use dialtone_domain::{Code, Problem};
use dialtone_store::Tx;
use dialtone_store::operations::{self as rows, Claimed, OperationState};
use jiff::SignedDuration;
use serde_json::Value;
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
        let state = OperationState::Unclear;
        let kind = serde_json::from_value::<Kind>(Value::String(operation.kind.clone()));
        let ended = self.store().write(move |tx| {
            let (id, problem) = (operation.id, serde_json::to_value(Problem::new(Code::Internal)).ok());
            let ours = rows::finish(tx, &tenant, id, operation.fence, state, problem.as_ref(), now())?;
            if ours {
                let code = Some(Code::Internal);
                tell_end(tx, &tenant, id, &operation.kind, state, code, operation.undo_of)?;
            }
            Ok::<_, Problem>(ours)
        });
        match (ended.await, kind) {
            (Ok(true), Ok(kind)) => self.inner.metrics.operation_ended(kind.name(), state.name()),
            (Ok(_), _) => (),
            (Err(problem), _) => {
                tracing::warn!(%problem, "it could not be ended; the next claim tries again");
            }
        }
    }
}
