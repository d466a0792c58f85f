//! Squads: several assistants that hand a call to each other ([S]).

use hyper::Method;

use super::errors::Problem;
use super::resources::{Kind, create, delete, fetch, list, update};
use super::{Org, Route, validate};
use crate::http::Object;
use crate::rows::Rows;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "squad", create::<Squads>),
    (Method::GET, "squad", list::<Squads>),
    (Method::GET, "squad/{}", fetch::<Squads>),
    (Method::PATCH, "squad/{}", update::<Squads>),
    (Method::DELETE, "squad/{}", delete::<Squads>),
];

struct Squads;

impl Kind for Squads {
    fn rows(org: &Org) -> &Rows {
        &org.squads
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.squads
    }

    fn check_new(body: &Object) -> Result<(), Problem> {
        validate::check("CreateSquadDTO", body)
    }

    fn check_change(_: &Object, body: &Object) -> Result<(), Problem> {
        validate::check("UpdateSquadDTO", body)
    }
}
