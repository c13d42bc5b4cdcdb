//! Arguments of the kernels that tests run on the CPU. What a slice lends has
//! margins: a kernel that reads them computes nonsense, one that writes them is
//! found out.

/// Values before and behind each slice.
const MARGIN: usize = 1024;

/// An argument of a kernel.
pub(crate) trait HostArgument {
    /// The argument while the kernel has it.
    type Lent: LentArgument;

    /// Hands it over.
    fn lend(self) -> Self::Lent;
}

/// An argument that a kernel has.
pub(crate) trait LentArgument {
    /// As the kernel takes it.
    type Raw;

    /// The number or the pointer.
    fn raw(&mut self) -> Self::Raw;

    /// Copies back what the kernel wrote.
    ///
    /// # Panics
    /// When it wrote beyond what it was given.
    fn give_back(self);
}

/// What fills the margins: large enough to spoil any sum, and equal to itself,
/// which NaN is not.
pub(crate) trait Poison: Copy + PartialEq {
    const POISON: Self;
}

impl Poison for f32 {
    const POISON: Self = 1e30;
}

impl Poison for f64 {
    const POISON: Self = 1e200;
}

impl Poison for u32 {
    const POISON: Self = 0x9999_9999;
}

fn with_margins<T: Poison>(values: &[T]) -> Vec<T> {
    [&[T::POISON; MARGIN], values, &[T::POISON; MARGIN]].concat()
}

/// A copy of a slice.
pub(crate) struct LentSlice<T>(Vec<T>);

impl<T: Poison> HostArgument for &[T] {
    type Lent = LentSlice<T>;

    fn lend(self) -> LentSlice<T> {
        LentSlice(with_margins(self))
    }
}

impl<T: Poison> LentArgument for LentSlice<T> {
    type Raw = *const T;

    fn raw(&mut self) -> *const T {
        self.0[MARGIN..].as_ptr()
    }

    fn give_back(self) {}
}

/// A copy of a slice, and where it goes back to.
pub(crate) struct LentSliceMut<'a, T> {
    home: &'a mut [T],
    copy: Vec<T>,
}

impl<'a, T: Poison> HostArgument for &'a mut [T] {
    type Lent = LentSliceMut<'a, T>;

    fn lend(self) -> LentSliceMut<'a, T> {
        let copy = with_margins(self);
        LentSliceMut { home: self, copy }
    }
}

impl<T: Poison> LentArgument for LentSliceMut<'_, T> {
    type Raw = *mut T;

    fn raw(&mut self) -> *mut T {
        self.copy[MARGIN..].as_mut_ptr()
    }

    fn give_back(self) {
        let (before, rest) = self.copy.split_at(MARGIN);
        let (values, after) = rest.split_at(self.home.len());
        let is_whole = |margin: &[T]| margin.iter().all(|value| *value == T::POISON);
        assert!(
            is_whole(before) && is_whole(after),
            "a kernel wrote outside of what it was given"
        );
        self.home.copy_from_slice(values);
    }
}

/// Numbers are handed over as they are.
macro_rules! number {
    ($type:ty) => {
        impl HostArgument for $type {
            type Lent = $type;

            fn lend(self) -> $type {
                self
            }
        }

        impl LentArgument for $type {
            type Raw = $type;

            fn raw(&mut self) -> $type {
                *self
            }

            fn give_back(self) {}
        }
    };
}

number!(u64);
number!(u32);
number!(f32);

impl HostArgument for usize {
    type Lent = u64;

    fn lend(self) -> u64 {
        self as u64
    }
}
