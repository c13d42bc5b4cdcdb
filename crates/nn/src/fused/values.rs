//! Where the executor's numbers live.

use std::ops::Deref;

use ablate_ops::{Lanes, Mask, Precision, Winners};
use candle_core::{CpuStorage, Result, Storage, StorageRef, Tensor, bail};

use crate::node::Node;
use crate::workspace::{Buffer, Workspace};

/// The reused buffers of one network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    /// Values of layers on maps.
    pub maps: Workspace<Lanes>,
    /// What each max-pooling window chose.
    pub winners: Workspace<Winners>,
    /// Values of layers on rows, and partial sums of gradients.
    pub rows: Workspace<f32>,
}

/// What the forward pass leaves for the backward pass.
#[derive(Debug)]
pub(crate) struct Saved {
    pub batch: usize,
    /// What the forward pass multiplied, and the backward pass will.
    pub precision: Precision,
    /// By node on maps: its output `[blocks, C, H, W]`, where backward reads it.
    pub maps: Vec<Option<Buffer<Lanes>>>,
    /// By node on maps: which input won each window, for max-pooling.
    pub winners: Vec<Option<Buffer<Winners>>>,
    /// What the layers on rows started from `[N, F]`.
    pub features: Option<Buffer<f32>>,
    /// By node on rows: its output `[N, F]`, where backward reads it.
    pub rows: Vec<Option<Buffer<f32>>>,
    /// By node: its dropout mask.
    pub masks: Vec<Option<Mask>>,
}

impl Saved {
    /// Nothing kept yet for a pass with these dropout masks.
    pub fn new(batch: usize, precision: Precision, masks: Vec<Option<Mask>>) -> Self {
        let nodes = masks.len();
        Self {
            batch,
            precision,
            maps: (0..nodes).map(|_| None).collect(),
            winners: (0..nodes).map(|_| None).collect(),
            features: None,
            rows: (0..nodes).map(|_| None).collect(),
            masks,
        }
    }
}

/// The values between two layers of a block of images.
pub(super) enum Value<'a> {
    /// Part of a buffer over the whole batch.
    Kept(&'a [Lanes]),
    /// A buffer of the block's own.
    Own(Buffer<Lanes>),
}

impl Deref for Value<'_> {
    type Target = [Lanes];

    fn deref(&self) -> &[Lanes] {
        match self {
            Self::Kept(values) => values,
            Self::Own(buffer) => buffer,
        }
    }
}

/// Read access to a contiguous float32 tensor on the CPU.
pub(crate) struct Floats<'a> {
    storage: StorageRef<'a>,
    start: usize,
    len: usize,
}

impl<'a> Floats<'a> {
    /// Locks the tensor's storage for reading.
    pub fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cpu(CpuStorage::F32(_)), Some((start, end))) =
            (&*storage, layout.contiguous_offsets())
        else {
            bail!("the fused network takes contiguous float32 tensors on the CPU only");
        };
        Ok(Self {
            storage,
            start,
            len: end - start,
        })
    }
}

impl Deref for Floats<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.start..][..self.len],
            // `of` let nothing else in, and a storage never changes its kind.
            _ => &[],
        }
    }
}

/// The weights and biases of every layer, locked for the length of a pass.
pub(super) struct Locked<'a>(Vec<Option<[Floats<'a>; 2]>>);

impl<'a> Locked<'a> {
    pub fn all(nodes: &'a [Node]) -> Result<Self> {
        let lock = |node: &'a Node| {
            let affine = node.parameters();
            affine
                .map(|affine| Ok([Floats::of(&affine.weight)?, Floats::of(&affine.bias)?]))
                .transpose()
        };
        Ok(Self(nodes.iter().map(lock).collect::<Result<_>>()?))
    }

    /// By node: its weight and bias, empty where it has none.
    pub fn slices(&self) -> Vec<[&[f32]; 2]> {
        fn slices<'s>(pair: &'s Option<[Floats; 2]>) -> [&'s [f32]; 2] {
            match pair {
                Some([weight, bias]) => [weight, bias],
                None => [&[], &[]],
            }
        }
        self.0.iter().map(slices).collect()
    }
}

/// Takes the first `len` elements off a slice, which has as many.
pub(crate) fn take_front<'a, T>(slice: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (front, rest) = std::mem::take(slice).split_at_mut(len);
    *slice = rest;
    front
}
