//! A map of bounded size, by the digest of its keys.

use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// How many keys are remembered: some megabytes.
pub(super) const KEYS_MAX: usize = 65_536;

type Key = [u8; 16];

/// What is known of each key. When it is full, the lesser half of the values is forgotten: a flood of new keys
/// cannot make it forget one that has tried much.
#[derive(Default)]
pub(super) struct Table<V>(HashMap<Key, V>);

fn short(key: &str) -> Key {
    let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    std::array::from_fn(|index| digest[index])
}

impl<V: Ord + Copy + Default> Table<V> {
    /// The value of the key; the least one where it is not known.
    pub(super) fn get(&self, key: &str) -> V {
        self.0.get(&short(key)).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, key: &str, value: V) {
        let key = short(key);
        if self.0.len() >= KEYS_MAX && !self.0.contains_key(&key) {
            self.forget_half();
        }
        self.0.insert(key, value);
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(&short(key));
    }

    fn forget_half(&mut self) {
        let mut all: Vec<_> = self.0.drain().collect();
        let half = all.len() / 2;
        all.select_nth_unstable_by(half, |a, b| b.1.cmp(&a.1));
        all.truncate(half);
        self.0.extend(all);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
