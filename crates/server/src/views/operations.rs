//! Operations, their steps and the changes that they make.

use super::problem::StepProblem;
use super::{answers, one_of, provider};
use dialtone_app::{OperationView, StepView};
use dialtone_domain::{Language, Provider, line};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// One field of a change.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// The provider's name for it.
    field: String,
    /// Its value before; null: not set.
    #[schema(required)]
    from: Option<String>,
    /// Its value after; null: not set.
    #[schema(required)]
    to: Option<String>,
}

/// One exact change at one provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct Change {
    /// What kind of change.
    kind: &'static str,
    /// Whose state it changes.
    #[schema(schema_with = provider)]
    provider: Provider,
    /// What it does, in one sentence.
    summary: String,
    /// The fields that differ.
    fields: Vec<FieldChange>,
}

impl Change {
    pub(crate) fn of(change: &line::Change, language: Language) -> Self {
        let field = |line::FieldChange { field, from, to }| FieldChange { field, from, to };
        Self {
            kind: change.name(),
            provider: change.provider(),
            summary: change.summary(language),
            fields: change.fields().into_iter().map(field).collect(),
        }
    }
}

/// One step of an operation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Step {
    /// Its place, from 1.
    seq: i64,
    /// How it went.
    #[schema(schema_with = step_states)]
    state: &'static str,
    /// What it changes.
    change: Change,
    /// When it began.
    started_at: Timestamp,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Timestamp>,
    /// Why it failed.
    #[schema(required)]
    problem: Option<StepProblem>,
}

fn step_states() -> Object {
    one_of(&["started", "done", "failed", "unclear"])
}

impl Step {
    fn of(step: StepView, language: Language) -> Self {
        Self {
            seq: step.seq,
            state: step.state.name(),
            change: Change::of(&step.change, language),
            started_at: step.started_at,
            finished_at: step.finished_at,
            problem: step.problem.map(|problem| StepProblem::of(&problem, language)),
        }
    }
}

/// Something that changes a line, step by step, and survives a crash.
#[derive(Serialize, ToSchema)]
pub(crate) struct Operation {
    /// Its id.
    id: Uuid,
    /// The line.
    line_id: Uuid,
    /// Its number.
    phone_number: String,
    /// What it is for.
    #[schema(schema_with = kinds)]
    kind: String,
    /// How far it is.
    #[schema(schema_with = states)]
    state: &'static str,
    /// What it has done.
    steps: Vec<Step>,
    /// Why it failed.
    #[schema(required)]
    problem: Option<StepProblem>,
    /// Whether it can be undone now.
    can_undo: bool,
    /// The operation that undid it.
    #[schema(required)]
    undone_by: Option<Uuid>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Timestamp>,
}

fn kinds() -> Object {
    one_of(&["import", "auto_import", "repair", "self_repair", "change", "credentials", "remove", "undo"])
}

fn states() -> Object {
    one_of(&["pending", "running", "succeeded", "failed", "unclear"])
}

impl Operation {
    pub(crate) fn of(operation: OperationView, language: Language) -> Self {
        Self {
            id: operation.id.0,
            line_id: operation.line_id.0,
            phone_number: operation.phone.as_str().to_owned(),
            kind: operation.kind,
            state: operation.state.name(),
            steps: operation.steps.into_iter().map(|step| Step::of(step, language)).collect(),
            problem: operation.problem.map(|problem| StepProblem::of(&problem, language)),
            can_undo: operation.can_undo,
            undone_by: operation.undone_by.map(|id| id.0),
            created_at: operation.created_at,
            finished_at: operation.finished_at,
        }
    }
}

answers! {
    /// An operation: finished, or still running where the status is 202.
    OperationAnswer {
        /// It.
        operation: Operation,
    }
    /// The operations.
    Operations {
        /// A page of them, the newest first.
        operations: Vec<Operation>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
}
