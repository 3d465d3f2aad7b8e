//! How much one caller may hold at once: connections of an address, event streams of a session.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A bounded number of places, of which one key gets a part at most.
#[derive(Debug)]
pub struct Places<K>(Arc<Shared<K>>);

#[derive(Debug)]
struct Shared<K> {
    all_max: usize,
    each_max: usize,
    taken: Mutex<Taken<K>>,
}

/// A key without a place has no entry: the map is no longer than `all`.
#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by_key: HashMap<K, usize>,
}

/// No place is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    ForAll,
    ForKey,
}

/// A place that is taken; given back when it is dropped.
#[derive(Debug)]
pub struct Place<K: Hash + Eq> {
    shared: Arc<Shared<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    #[must_use]
    pub fn new(all_max: usize, each_max: usize) -> Self {
        let taken = Mutex::new(Taken { all: 0, by_key: HashMap::new() });
        Self(Arc::new(Shared { all_max, each_max, taken }))
    }

    pub fn take(&self, key: K) -> Result<Place<K>, Full> {
        let mut taken = self.0.taken();
        if taken.all >= self.0.all_max {
            return Err(Full::ForAll);
        }
        if taken.by_key.get(&key).is_some_and(|held| *held >= self.0.each_max) {
            return Err(Full::ForKey);
        }
        taken.all += 1;
        *taken.by_key.entry(key.clone()).or_insert(0) += 1;
        Ok(Place { shared: Arc::clone(&self.0), key })
    }
}

impl<K> Shared<K> {
    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.shared.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(held) = taken.by_key.get_mut(&self.key) {
            *held -= 1;
            if *held == 0 {
                taken.by_key.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_leaves_places_for_others() {
        let places = Places::new(3, 2);
        let first = places.take("a").unwrap();
        let _second = places.take("a").unwrap();
        assert_eq!(places.take("a").unwrap_err(), Full::ForKey);
        let _other = places.take("b").unwrap();
        assert_eq!(places.take("c").unwrap_err(), Full::ForAll);
        drop(first);
        drop(places.take("c").unwrap());
        drop(places.take("a").unwrap());
        assert_eq!(places.0.taken().by_key.len(), 2, "a key without a place is forgotten");
    }
}
