//! Registrations take days at Twilio; here their steps take minutes of virtual time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::iso;
use crate::http::text;
use crate::jobs::Job;
use crate::state::World;

/// How long one step takes here.
pub(super) const STEP: Duration = Duration::from_secs(600);

/// A registration that has been looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Review {
    Brand(String),
    Campaign(String),
    TollFree(String),
}

/// The next state of each: a table per kind (T15 [S]).
const BRAND: &[(&str, &str)] = &[("PENDING", "APPROVED")];
const CAMPAIGN: &[(&str, &str)] = &[("PENDING", "IN_PROGRESS"), ("IN_PROGRESS", "VERIFIED")];
const TOLL_FREE: &[(&str, &str)] = &[("PENDING_REVIEW", "IN_REVIEW"), ("IN_REVIEW", "TWILIO_APPROVED")];

impl World {
    /// A registration is looked at after a while.
    pub(super) fn submit(&mut self, review: Review) {
        self.schedule(STEP, Job::Review(Box::new(review)));
    }

    /// One step of a registration; the last one ends it.
    pub(crate) fn review(&mut self, review: Review) {
        let now = iso(self.clock.now());
        let texting = &mut self.twilio.texting;
        let (rows, field, steps, sid) = match &review {
            Review::Brand(sid) => (&mut texting.brands, "status", BRAND, sid),
            Review::Campaign(sid) => (&mut texting.campaigns, "campaign_status", CAMPAIGN, sid),
            Review::TollFree(sid) => (&mut texting.verifications, "status", TOLL_FREE, sid),
        };
        let Some(row) = rows.get_mut(sid) else { return };
        let next = steps.iter().find(|(from, _)| text(row, field) == Some(from)).map(|(_, next)| *next);
        let Some(next) = next else { return };
        row.insert(field.to_owned(), json!(next));
        row.insert("date_updated".to_owned(), json!(now));
        if let Review::Campaign(_) = review
            && next == "VERIFIED"
        {
            row.insert("campaign_id".to_owned(), json!(format!("C{}", &sid[2..8].to_uppercase())));
        }
        if steps.iter().any(|(from, _)| *from == next) {
            self.submit(review);
        }
    }
}
