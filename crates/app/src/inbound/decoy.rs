//! What is tried where nobody is known, so that an unknown account or line takes as long as a wrong secret.

use crate::credentials::random_secret;
use crate::start::App;
use crate::vault::Place;
use dialtone_domain::{Problem, SecretString};
use dialtone_store::{KeyOwner, Tx};

const PLACE: Place<'static> = Place { table: "decoy", row: "", field: "" };

impl App {
    /// A secret that nobody knows, for the work of reading a real one: a data key is opened, and used.
    ///
    /// # Errors
    /// As for a real one.
    pub(super) fn decoy(&self, tx: &mut Tx) -> Result<SecretString, Problem> {
        let data_key = self.inner.vault.data_key(tx, KeyOwner::Instance)?;
        let sealed = data_key.seal(PLACE, &random_secret());
        data_key.open(PLACE, &sealed)
    }
}
