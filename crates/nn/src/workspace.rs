//! Buffers that go back where they came from, so that a training step neither
//! allocates nor faults in fresh pages. Not a cache: contents are never reused.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use ablate_ops::on_large_pages;

/// Requests after which a buffer that served none of them is freed: a few
/// training steps, so that a change of batch size leaves nothing behind.
const PATIENCE: u64 = 2048;

/// A shared store of idle buffers of `T`; clones share it.
#[derive(Debug)]
pub(crate) struct Workspace<T>(Arc<Mutex<Idle<T>>>);

#[derive(Debug)]
struct Idle<T> {
    /// Buffers with the number of the request that gave each up, oldest first.
    buffers: Vec<(Vec<T>, u64)>,
    /// Requests so far.
    requests: u64,
}

impl<T> Default for Workspace<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Idle {
            buffers: Vec::new(),
            requests: 0,
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
        let size = size_class(len);
        let idle = self.lock(|idle| idle.take(size));
        Buffer {
            data: idle.unwrap_or_else(|| fresh(size)),
            len,
            home: self.clone(),
        }
    }
}

fn fresh<T: Copy + Default>(size: usize) -> Vec<T> {
    let mut buffer = on_large_pages(Vec::with_capacity(size));
    buffer.resize(size, T::default());
    buffer
}

impl<T> Workspace<T> {
    fn lock<R>(&self, f: impl FnOnce(&mut Idle<T>) -> R) -> R {
        // No code that runs under the lock can panic halfway through a change.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Idle<T> {
    /// The buffer of this size that was used last, whose pages are warm. A larger
    /// one is left for the request that it was made for: steps make the same
    /// requests again and again, in whatever order their threads come.
    fn take(&mut self, size: usize) -> Option<Vec<T>> {
        self.requests += 1;
        let patience = self.requests.saturating_sub(PATIENCE);
        self.buffers.retain(|(_, given_up)| *given_up >= patience);
        let last = self
            .buffers
            .iter()
            .rposition(|(buffer, _)| buffer.len() == size)?;
        Some(self.buffers.remove(last).0)
    }
}

/// `len` rounded up by at most an eighth, so that batches of nearly one size
/// share buffers.
fn size_class(len: usize) -> usize {
    len.next_multiple_of((len.next_power_of_two() / 16).max(1))
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
        self.home.lock(|idle| {
            let now = idle.requests;
            idle.buffers.push((data, now));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(workspace: &Workspace<f32>) -> usize {
        workspace.lock(|idle| idle.buffers.iter().map(|(buffer, _)| buffer.len()).sum())
    }

    #[test]
    fn a_buffer_comes_back_to_the_next_request_of_its_size() {
        let workspace = Workspace::<f32>::default();
        let first = workspace.take(100).as_ptr();
        assert_eq!(workspace.take(98).as_ptr(), first);
        assert_eq!(workspace.take(98).len(), 98);
        let (a, b) = (workspace.take(100), workspace.take(100));
        assert_ne!(a.as_ptr(), b.as_ptr());
    }

    #[test]
    fn a_small_request_leaves_a_large_buffer_alone() {
        let workspace = Workspace::<f32>::default();
        let large = workspace.take(1000).as_ptr();
        let small = workspace.take(10);
        assert_eq!(workspace.take(1000).as_ptr(), large);
        drop(small);
    }

    #[test]
    fn buffers_nobody_asks_for_are_freed_in_the_end() {
        let workspace = Workspace::<f32>::default();
        drop((workspace.take(1000), workspace.take(1000)));
        for _ in 0..PATIENCE / 2 {
            workspace.take(10);
        }
        assert!(room(&workspace) > 2000);
        for _ in 0..PATIENCE {
            workspace.take(10);
        }
        assert!(room(&workspace) < 20);
    }

    #[test]
    fn sizes_are_rounded_up_by_an_eighth_at_most() {
        for len in 0..5000 {
            let size = size_class(len);
            assert!(size >= len && size - len <= len / 8, "{len}: {size}");
            assert_eq!(size_class(size), size);
        }
    }
}
