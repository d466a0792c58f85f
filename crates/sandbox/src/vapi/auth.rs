//! Bearer keys: one private and one public per org (V2 [S][W]).

use std::collections::{BTreeSet, VecDeque};

use super::errors::Problem;
use super::region::Region;
use super::subscription::Subscription;
use super::{Org, Vapi};
use serde_json::json;

use crate::clock::millis;
use crate::http::Request;
use crate::rows::Rows;
use crate::state::World;

/// The org whose private key the request carries, as its place in the list. A public key is for browser
/// calls only and is refused like a wrong one (V2 [W]); so is a key of the other region.
pub(crate) fn authenticate(vapi: &Vapi, request: &Request, region: Region) -> Result<usize, Problem> {
    let key = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let key = key.ok_or_else(Problem::unauthorized)?;
    vapi.orgs
        .iter()
        .position(|org| org.private_key == key && org.region == region)
        .ok_or_else(Problem::unauthorized)
}

impl World {
    /// Opens an org with fresh keys.
    pub(crate) fn open_org(&mut self, name: &str, region: Region) -> &Org {
        let now = json!(millis(self.clock.now()));
        let profile =
            json!({"createdAt": now, "updatedAt": now, "channel": "default", "hipaaEnabled": false});
        let org = Org {
            id: self.ids.uuid(),
            name: name.to_owned(),
            private_key: self.ids.uuid(),
            public_key: self.ids.uuid(),
            assistants: Rows::default(),
            phone_numbers: Rows::default(),
            calls: Rows::default(),
            subscription: Subscription::default(),
            region,
            profile: profile.as_object().cloned().unwrap_or_default(),
            squads: Rows::default(),
            tools: Rows::default(),
            files: Rows::default(),
            credentials: Rows::default(),
            structured_outputs: Rows::default(),
            chats: Rows::default(),
            sessions: Rows::default(),
            active: BTreeSet::new(),
            waiting: VecDeque::new(),
            logs: VecDeque::new(),
        };
        self.vapi.orgs.push(org);
        &self.vapi.orgs[self.vapi.orgs.len() - 1]
    }
}
