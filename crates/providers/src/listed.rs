//! A list as it could be read.

/// What a provider listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What could be read, in the provider's order.
    pub items: Vec<T>,
    /// How many items could not: of a shape or a provider that is unknown.
    pub skipped: usize,
    /// Whether the list was read to its end. When not, an absent item may exist all the same.
    pub complete: bool,
}

impl<T> Listed<T> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), skipped: 0, complete: false }
    }

    /// Adds an item, or counts it as unreadable.
    pub(crate) fn add(&mut self, item: Option<T>) {
        match item {
            Some(item) => self.items.push(item),
            None => self.skipped += 1,
        }
    }
}
