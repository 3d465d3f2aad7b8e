//! Core: jobs that wait and jobs under way. At most [`FETCHES_AT_ONCE`] at a time, and one of a
//! device, whose sessions are few; else in the order in which they came.

use std::collections::{BTreeMap, VecDeque};

use farwatch_common::id::{ConfigJobId, DeviceId};

/// Jobs that wait.
pub const JOBS_MAX: usize = 64;
/// Jobs under way.
pub const FETCHES_AT_ONCE: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job<T> {
    pub id: ConfigJobId,
    pub device: DeviceId,
    pub what: T,
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: VecDeque<Job<T>>,
    running: BTreeMap<ConfigJobId, DeviceId>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: BTreeMap::new() }
    }
}

impl<T> Queue<T> {
    /// Jobs that wait, and those under way.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.running.len())
    }

    pub(super) fn has(&self, id: ConfigJobId) -> bool {
        self.running.contains_key(&id) || self.waiting.iter().any(|job| job.id == id)
    }

    /// False when it is full.
    pub(super) fn put(&mut self, job: Job<T>) -> bool {
        let is_room = self.waiting.len() < JOBS_MAX;
        if is_room {
            self.waiting.push_back(job);
        }
        is_room
    }

    /// The next job to begin, if one may.
    pub(super) fn begin(&mut self) -> Option<Job<T>> {
        if self.running.len() >= FETCHES_AT_ONCE {
            return None;
        }
        let is_free = |job: &Job<T>| !self.running.values().any(|device| *device == job.device);
        let place = self.waiting.iter().position(is_free)?;
        let job = self.waiting.remove(place)?;
        self.running.insert(job.id, job.device);
        Some(job)
    }

    pub(super) fn ended(&mut self, id: ConfigJobId) {
        self.running.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: i64, device: i64) -> Job<()> {
        Job { id: ConfigJobId(id), device: DeviceId(device), what: () }
    }

    fn begun(queue: &mut Queue<()>) -> Vec<i64> {
        std::iter::from_fn(|| queue.begin()).map(|job| job.id.0).collect()
    }

    #[test]
    fn a_device_has_one_job_at_a_time_and_delays_no_other() {
        let mut queue = Queue::default();
        for (id, device) in [(1, 10), (2, 10), (3, 10), (4, 11)] {
            assert!(queue.put(job(id, device)));
        }
        assert_eq!((begun(&mut queue), queue.counts()), (vec![1, 4], (2, 2)));
        assert!(queue.has(ConfigJobId(1)) && queue.has(ConfigJobId(3)));
        queue.ended(ConfigJobId(1));
        assert!(!queue.has(ConfigJobId(1)));
        assert_eq!(begun(&mut queue), [2], "in the order in which they came");
    }

    #[test]
    fn what_waits_and_what_runs_is_bounded() {
        let mut queue = Queue::default();
        for id in 0..JOBS_MAX {
            assert!(queue.put(job(id as i64, id as i64)));
        }
        assert!(!queue.put(job(1000, 1000)));
        assert_eq!(begun(&mut queue).len(), FETCHES_AT_ONCE);
        assert!(queue.put(job(1000, 1000)));
        queue.ended(ConfigJobId(0));
        assert_eq!(begun(&mut queue).len(), 1);
    }
}
