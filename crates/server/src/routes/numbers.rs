//! Numbers: in Vapi, being imported, and as records (requirements A3, A4, D1).

use super::{Answer, PageQuery};
use crate::extract::{Body, Me, NamedLine, Query};
use crate::input::input;
use crate::scalars::{AuthToken, Line, Prose, Secret};
use crate::site::Site;
use crate::views::lines::{ImportedAnswer, Record, RecordAnswer, Records, VapiNumbers, import_message};
use crate::views::operations::{Operation, OperationAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dialtone_app::{Import, Imported, Started};
use dialtone_domain::{AccountSid, AssistantId, Phone};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// A number to import. What is left out is taken from the saved settings.
    ImportBody {
        /// The Account SID: `AC…`.
        twilio_account_sid: Option<Line<1, 100>>,
        /// The Auth Token.
        twilio_auth_token: Option<Secret<1, 200>>,
        /// The number, also as it is written in the organisation's country.
        phone_number: Option<Line<1, 40>>,
        /// The assistant that answers; left out, null or empty: the default one, else the first there is.
        assistant_id: Option<AssistantId>,
        /// Your organisation's id, or `default`.
        org_id: Option<Line<0, 100>>,
    }

    /// A number to import and keep a record of.
    NewRecord {
        /// Its name.
        friendly_name ["friendlyName"]: Line<1, 255>,
        /// The number, strictly in E.164.
        phone_number ["phoneNumber"]: Phone,
        /// The Account SID: `AC` and 32 hexadecimal digits.
        twilio_account_sid ["twilioAccountSid"]: AccountSid,
        /// The Auth Token.
        twilio_auth_token ["twilioAuthToken"]: AuthToken,
        /// The assistant that answers; left out, null or empty: the default one, else the first there is.
        assigned_assistant_id ["assignedAssistantId"]: Option<AssistantId>,
        /// Notes about it.
        notes: Option<Prose<5000>>,
    }
}

/// Lists the numbers that are in Vapi
#[utoipa::path(get, path = "/api/v1/phone-numbers", tag = "Numbers",
    responses((status = 200, body = VapiNumbers)))]
async fn vapi_numbers(State(site): State<Site>, me: Me) -> Answer<Json<VapiNumbers>> {
    let numbers = site.app.vapi_numbers(&me.caller).await?;
    Ok(VapiNumbers::json(numbers.into_iter().map(Into::into).collect(), None))
}

fn imported(imported: Started<Imported>, me: &Me) -> Response {
    let imported = match imported {
        Started::Finished(imported) => imported,
        Started::Running(operation) => {
            let answer = OperationAnswer::json(Operation::of(*operation, me.language));
            return (StatusCode::ACCEPTED, answer).into_response();
        }
    };
    let message = import_message(&imported, me.language);
    let Imported { line, auto_linked, assistant, existed, operation } = imported;
    let answer =
        ImportedAnswer::json((&line).into(), auto_linked, assistant.id.0, true, message, operation.id.0);
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    (status, answer).into_response()
}

/// Imports a Twilio number into Vapi and links an assistant
///
/// Importing again is safe: a number that is in Vapi already is found, linked and checked (200).
#[utoipa::path(post, path = "/api/v1/phone-numbers/import-twilio", tag = "Numbers", request_body = ImportBody,
    responses(
        (status = 200, description = "It was in Vapi already.", body = ImportedAnswer),
        (status = 201, body = ImportedAnswer),
        (status = 202, description = "It takes longer.", body = OperationAnswer)))]
async fn import_number(State(site): State<Site>, me: Me, Body(body): Body<ImportBody>) -> Answer<Response> {
    let import = Import {
        twilio_account_sid: body.twilio_account_sid.map(|sid| sid.0),
        twilio_auth_token: body.twilio_auth_token.map(|token| token.0),
        phone_number: body.phone_number.map(|number| number.0),
        assistant_id: body.assistant_id,
        org_id: body.org_id.map(|id| id.0),
        friendly_name: None,
        notes: None,
        refuse_known: false,
    };
    Ok(imported(site.app.import(&me.caller, import).await?, &me))
}

/// Lists the numbers' records
#[utoipa::path(get, path = "/api/phone-numbers", tag = "Numbers", params(PageQuery),
    responses((status = 200, body = Records)))]
async fn records(State(site): State<Site>, me: Me, Query(page): Query<PageQuery>) -> Answer<Json<Records>> {
    let page = site.app.lines(&me.caller, page.into()).await?;
    Ok(Records::json(page.items.into_iter().map(Into::into).collect(), page.next_cursor))
}

/// Imports a number and keeps its record
#[utoipa::path(post, path = "/api/phone-numbers", tag = "Numbers", request_body = NewRecord,
    responses(
        (status = 201, body = RecordAnswer),
        (status = 202, description = "It takes longer.", body = OperationAnswer)))]
async fn create_record(State(site): State<Site>, me: Me, Body(body): Body<NewRecord>) -> Answer<Response> {
    let import = Import {
        twilio_account_sid: Some(body.twilio_account_sid.into()),
        twilio_auth_token: Some(body.twilio_auth_token.0),
        phone_number: Some(body.phone_number.into()),
        assistant_id: body.assigned_assistant_id,
        org_id: None,
        friendly_name: Some(body.friendly_name.0),
        notes: body.notes.map(|notes| notes.0),
        refuse_known: true,
    };
    Ok(match site.app.import(&me.caller, import).await? {
        Started::Finished(imported) => {
            (StatusCode::CREATED, RecordAnswer::json(Record::from(imported.line))).into_response()
        }
        running @ Started::Running(_) => imported(running, &me),
    })
}

/// Gives a number's record
#[utoipa::path(get, path = "/api/phone-numbers/{id}", tag = "Numbers",
    params(("id" = String, Path, description = "The record's id, or its number in E.164.")),
    responses((status = 200, body = RecordAnswer)))]
async fn record(State(site): State<Site>, me: Me, NamedLine(line): NamedLine) -> Answer<Json<RecordAnswer>> {
    Ok(RecordAnswer::json(site.app.line(&me.caller, &line).await?.line.into()))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(vapi_numbers))
        .routes(routes!(import_number))
        .routes(routes!(records, create_record))
        .routes(routes!(record))
}
