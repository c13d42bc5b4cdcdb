//! A slice that parallel tasks write to at places they divide among themselves.

use std::marker::PhantomData;

/// A mutable slice seen by several tasks at once.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: only `at` gives access, and its callers keep to separate elements.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            borrow: PhantomData,
        }
    }

    /// A pointer to one element.
    ///
    /// # Safety
    /// `index` lies within the slice, and no other task uses the element at the same time.
    #[inline(always)]
    pub unsafe fn at(self, index: usize) -> *mut T {
        debug_assert!(index < self.len, "{index} of {}", self.len);
        // SAFETY: the index is within the slice.
        unsafe { self.start.add(index) }
    }
}
