//! Bearer keys: one private and one public per org (V2 [S][W]).

use super::errors::Problem;
use super::subscription::Subscription;
use super::{Org, Vapi};
use crate::http::Request;
use crate::rows::Rows;
use crate::state::World;

/// The org whose private key the request carries, as its place in the list. A public key is for browser
/// calls only and is refused like a wrong one (V2 [W]).
pub(crate) fn authenticate(vapi: &Vapi, request: &Request) -> Result<usize, Problem> {
    let key = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let key = key.ok_or_else(Problem::unauthorized)?;
    vapi.orgs.iter().position(|org| org.private_key == key).ok_or_else(Problem::unauthorized)
}

impl World {
    /// Opens an org with fresh keys.
    pub(crate) fn open_org(&mut self, name: &str) -> &Org {
        let org = Org {
            id: self.ids.uuid(),
            name: name.to_owned(),
            private_key: self.ids.uuid(),
            public_key: self.ids.uuid(),
            assistants: Rows::default(),
            phone_numbers: Rows::default(),
            calls: Rows::default(),
            subscription: Subscription::default(),
        };
        self.vapi.orgs.push(org);
        &self.vapi.orgs[self.vapi.orgs.len() - 1]
    }
}
