//! Provider resources by their id, oldest first.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::http::{Object, text};

/// Resources of one kind, each kept as its provider shows it. Found by `sid` (Twilio) or `id` (Vapi).
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rows(IndexMap<String, Object>);

impl Rows {
    /// Adds a resource as the newest, or replaces the one with its id where it stands.
    pub(crate) fn put(&mut self, object: Object) {
        let id = text(&object, "sid").or_else(|| text(&object, "id")).unwrap_or_default();
        self.0.insert(id.to_owned(), object);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Object> {
        self.0.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Object> {
        self.0.get_mut(id)
    }

    /// Takes a resource out; the others keep their order.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Object> {
        self.0.shift_remove(id)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Object) -> bool) {
        self.0.retain(|_, object| keep(object));
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Object> + Clone {
        self.0.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Object> {
        self.0.values_mut()
    }
}
