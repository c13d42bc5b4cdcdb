//! How long each layer took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Direction;

/// Time by node, summed over threads and divided by how many ran at once.
#[derive(Debug)]
pub(crate) struct Trace {
    forward: Vec<AtomicU64>,
    backward: Vec<AtomicU64>,
}

impl Trace {
    /// Nothing measured yet.
    pub fn new(nodes: usize) -> Self {
        let zeros = || (0..nodes).map(|_| AtomicU64::new(0)).collect();
        Self {
            forward: zeros(),
            backward: zeros(),
        }
    }

    /// Forward and backward time by node.
    pub fn times(&self) -> Vec<[Duration; 2]> {
        let read = |time: &AtomicU64| Duration::from_nanos(time.load(Ordering::Relaxed));
        let pairs = self.forward.iter().zip(&self.backward);
        pairs.map(|(f, b)| [read(f), read(b)]).collect()
    }

    pub(super) fn add(&self, direction: Direction, node: usize, start: Instant, lanes: usize) {
        let times = match direction {
            Direction::Forward => &self.forward,
            Direction::Backward => &self.backward,
        };
        let nanos = start.elapsed().as_nanos() as u64 / lanes as u64;
        times[node].fetch_add(nanos, Ordering::Relaxed);
    }
}
