//! The audit trail: looked through, verified, handed out as a file.

use super::Answer;
use crate::auth::{self, Caller};
use crate::events::Credentials;
use crate::extract::{Body, Me, Query};
use crate::input::input;
use crate::scalars::{Count, Line, Moment, Seq, Sha256};
use crate::site::Site;
use crate::views::audit::{AuditEntry, AuditFormat, AuditTrail, AuditVerified};
use axum::Json;
use axum::body::{Body as Bytes, Bytes as Chunk};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use dialtone_app::{Export, Filter};
use dialtone_domain::{Code, Language, Permission, Problem};
use futures::stream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Which part of the audit trail.
    AuditQuery {
        /// Not before this time.
        from: Option<Moment>,
        /// Not after this time.
        to: Option<Moment>,
        /// What this person did, also with their tokens, or this part of Dialtone.
        actor: Option<Line<1, 200>>,
        /// Kinds that begin so: `line.` for all about lines.
        kind: Option<Line<1, 100>>,
        /// What happened to the object with this id.
        subject: Option<Line<1, 200>>,
        /// The `next_cursor` of the page before.
        cursor: Option<Line<1, 200>>,
        /// How many items at most; 50 where it is left out.
        limit: Option<Count<100>>,
    }

    /// What to write into a file.
    AuditExport {
        /// `csv` for spreadsheets, `jsonl` for programs and for verifying elsewhere.
        format: AuditFormat,
        /// Not before this time.
        from: Option<Moment>,
        /// Not after this time.
        to: Option<Moment>,
        /// What this person did, also with their tokens, or this part of Dialtone.
        actor: Option<Line<1, 200>>,
        /// Kinds that begin so: `line.` for all about lines.
        kind: Option<Line<1, 100>>,
        /// What happened to the object with this id.
        subject: Option<Line<1, 200>>,
    }

    /// A head of the chain that was noted earlier: both or neither.
    AnchorQuery {
        /// The number of the entry that was the last one then.
        seq: Option<Seq>,
        /// Its hash.
        hash: Option<Sha256>,
    }
}

/// Looks through the audit trail
///
/// Everything that was changed in the organisation, by whom and from where, the newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "Audit", params(AuditQuery),
    responses((status = 200, body = AuditTrail)))]
async fn audit_trail(
    State(site): State<Site>,
    me: Me,
    Query(query): Query<AuditQuery>,
) -> Answer<Json<AuditTrail>> {
    let AuditQuery { from, to, actor, kind, subject, cursor, limit } = query;
    let filter = filter((from, to), actor, kind, subject);
    let cursor = cursor.as_ref().map(|cursor| cursor.0.as_str());
    let page = site.app.audit(&me.caller, filter, cursor, limit.map(|limit| limit.0)).await?;
    let entries = page.items.into_iter().map(|event| AuditEntry::of(event, me.language)).collect();
    Ok(AuditTrail::json(entries, page.next_cursor))
}

fn filter(
    (from, to): (Option<Moment>, Option<Moment>),
    actor: Option<Line<1, 200>>,
    kind: Option<Line<1, 100>>,
    subject: Option<Line<1, 200>>,
) -> Filter {
    Filter {
        from: from.map(|at| at.0),
        to: to.map(|at| at.0),
        actor_id: actor.map(|actor| actor.0),
        kind: kind.map(|kind| kind.0),
        subject_id: subject.map(|subject| subject.0),
    }
}

/// Verifies the audit trail
///
/// Walks the organisation's whole chain of hashes and names the first entry that was changed, removed, inserted or
/// moved. A head that was noted elsewhere tells also of a chain that was written anew.
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "Audit", params(AnchorQuery),
    responses((status = 200, body = AuditVerified)))]
async fn verify_audit(
    State(site): State<Site>,
    me: Me,
    Query(query): Query<AnchorQuery>,
) -> Answer<Json<AuditVerified>> {
    let anchor = match (query.seq, query.hash) {
        (Some(seq), Some(hash)) => Some((seq.0, hash.0)),
        (None, None) => None,
        (Some(_), None) => return Err(Problem::field("hash", "validation.required").into()),
        (None, Some(_)) => return Err(Problem::field("seq", "validation.required").into()),
    };
    let verdict = site.app.verify_audit(&me.caller, anchor).await?;
    Ok(AuditVerified::json(verdict.into()))
}

/// Hands out the audit trail as a file
///
/// The oldest entry first. The export is recorded as an entry itself before the first byte is sent. A file of JSON
/// lines without a filter can be verified anywhere: `dialtone audit verify --file`.
#[utoipa::path(post, path = "/api/v1/audit/export", tag = "Audit", request_body = AuditExport,
    responses((status = 200, content((String = "application/jsonl"), (String = "text/csv")))))]
async fn export_audit(
    State(site): State<Site>,
    me: Me,
    headers: HeaderMap,
    Body(body): Body<AuditExport>,
) -> Answer<impl IntoResponse> {
    let AuditExport { format, from, to, actor, kind, subject } = body;
    let filter = filter((from, to), actor, kind, subject);
    let export = site.app.begin_audit_export(&me.caller, filter, format.name()).await?;
    let name = format!("attachment; filename=\"audit.{}\"", format.name());
    let headers_out =
        [(header::CONTENT_TYPE, format.content_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    let language = me.language;
    let file = File { site, credentials: Credentials::of(&headers), export, format, language, begun: false };
    Ok((headers_out, Bytes::from_stream(stream::try_unfold(file, File::next))).into_response())
}

/// A file on its way. Its reader's right to it is looked at again before every part.
struct File {
    site: Site,
    credentials: Credentials,
    export: Export,
    format: AuditFormat,
    language: Language,
    begun: bool,
}

impl File {
    async fn next(mut self) -> Result<Option<(Chunk, Self)>, Cut> {
        if self.export.is_over() {
            return Ok(None);
        }
        let caller: Caller = auth::caller(&self.site, self.credentials.headers()).await.map_err(Cut)?;
        if !caller.may(Permission::AuditRead) {
            return Err(Cut(Code::Forbidden.into()));
        }
        let events = self.site.app.audit_export_part(&caller, &mut self.export).await.map_err(Cut)?;
        let head = match std::mem::replace(&mut self.begun, true) {
            true => "",
            false => self.format.head(self.export.is_filtered()),
        };
        let org = caller.tenant.org();
        let rows = events.into_iter().map(|event| self.format.row(org, event, self.language));
        let text: String = std::iter::once(head.to_owned()).chain(rows).collect();
        Ok(Some((text.into(), self)))
    }
}

/// The file breaks off: its reader notices by the connection.
#[derive(Debug)]
struct Cut(Problem);

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an export of the audit trail broke off: {}", self.0)
    }
}

impl std::error::Error for Cut {}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(audit_trail))
        .routes(routes!(verify_audit))
        .routes(routes!(export_audit))
}
