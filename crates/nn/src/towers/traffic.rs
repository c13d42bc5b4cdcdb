//! How much workers hand each other.

use std::sync::atomic::{AtomicU64, Ordering};

use ablate_core::Exchanged;

/// Bytes so far, by direction of the pass.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    forward: AtomicU64,
    backward: AtomicU64,
}

impl Traffic {
    /// Counts values that crossed on the way forward.
    pub(super) fn add_forward(&self, values: usize) {
        self.forward.fetch_add(bytes(values), Ordering::Relaxed);
    }

    /// Counts values that crossed on the way back.
    pub(super) fn add_backward(&self, values: usize) {
        self.backward.fetch_add(bytes(values), Ordering::Relaxed);
    }

    /// What was counted since the last call.
    pub fn take(&self) -> Exchanged {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Exchanged {
            forward: take(&self.forward),
            backward: take(&self.backward),
        }
    }
}

fn bytes(values: usize) -> u64 {
    (values * size_of::<f32>()) as u64
}
