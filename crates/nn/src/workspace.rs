//! Buffers that go back where they came from, so that a training step neither
//! allocates nor faults in fresh pages. Not a cache: contents are never reused.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// A shared store of idle buffers of `T`; clones share it.
///
/// Buffers lent and idle together never take more room than the buffers lent
/// at one time once did, so a change of batch size leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Workspace<T>(Arc<Mutex<Idle<T>>>);

#[derive(Debug)]
struct Idle<T> {
    /// Oldest first.
    buffers: Vec<Vec<T>>,
    /// Elements lent now.
    lent: usize,
    /// The most elements ever lent at once.
    peak: usize,
}

impl<T> Default for Workspace<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Idle {
            buffers: Vec::new(),
            lent: 0,
            peak: 0,
        })))
    }
}

impl<T> Clone for Workspace<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Copy + Default> Workspace<T> {
    /// Lends a buffer of `len` elements with arbitrary contents.
    pub fn take(&self, len: usize) -> Buffer<T> {
        let idle = self.lock(|idle| idle.take(len));
        let data = idle.unwrap_or_else(|| vec![T::default(); len]);
        Buffer {
            data,
            len,
            home: self.clone(),
        }
    }
}

impl<T> Workspace<T> {
    fn lock<R>(&self, f: impl FnOnce(&mut Idle<T>) -> R) -> R {
        // No code that runs under the lock can panic halfway through a change.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Idle<T> {
    /// The smallest idle buffer that fits. One more than twice too large is
    /// left for a request of its own size.
    fn take(&mut self, len: usize) -> Option<Vec<T>> {
        let best = (0..self.buffers.len())
            .filter(|&i| (len..=2 * len).contains(&self.buffers[i].len()))
            .min_by_key(|&i| self.buffers[i].len());
        let buffer = best.map(|i| self.buffers.remove(i));
        self.lent += buffer.as_ref().map_or(len, Vec::len);
        self.peak = self.peak.max(self.lent);
        self.shrink();
        buffer
    }

    fn give_back(&mut self, buffer: Vec<T>) {
        self.lent -= buffer.len();
        self.buffers.push(buffer);
        self.shrink();
    }

    /// Frees the oldest idle buffers beyond what was ever needed at once.
    fn shrink(&mut self) {
        let mut idle: usize = self.buffers.iter().map(Vec::len).sum();
        while self.lent + idle > self.peak && !self.buffers.is_empty() {
            idle -= self.buffers.remove(0).len();
        }
    }
}

/// A lent buffer; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    data: Vec<T>,
    len: usize,
    home: Workspace<T>,
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[..self.len]
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.home.lock(|idle| idle.give_back(data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(workspace: &Workspace<f32>) -> usize {
        workspace.lock(|idle| idle.buffers.iter().map(Vec::len).sum())
    }

    #[test]
    fn a_buffer_comes_back_to_the_next_request_of_its_size() {
        let workspace = Workspace::<f32>::default();
        let first = workspace.take(100).as_ptr();
        assert_eq!(workspace.take(90).as_ptr(), first);
        assert_eq!(workspace.take(90).len(), 90);
        let (a, b) = (workspace.take(100), workspace.take(100));
        assert_ne!(a.as_ptr(), b.as_ptr());
    }

    #[test]
    fn idle_buffers_never_outgrow_the_peak_demand() {
        let workspace = Workspace::<f32>::default();
        drop((workspace.take(100), workspace.take(100)));
        assert_eq!(room(&workspace), 200);
        for len in [7, 13, 60, 90, 30, 1] {
            drop(workspace.take(len));
            assert!(room(&workspace) <= 200, "{} for {len}", room(&workspace));
        }
        let lent: Vec<_> = (0..10).map(|_| workspace.take(200)).collect();
        drop(lent);
        assert_eq!(room(&workspace), 2000);
    }

    #[test]
    fn an_empty_request_is_served() {
        assert!(Workspace::<f32>::default().take(0).is_empty());
    }
}
