//! A tensor's values, to be changed in place.

use std::cell::Cell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, Tensor, bail};

use crate::operands::check_operands;

/// Fails unless an update can change some of the tensors while it reads others.
pub(super) fn check(op: &'static str, tensors: &[&Tensor]) -> Result<()> {
    check_operands(op, tensors)?;
    for (i, tensor) in tensors.iter().enumerate() {
        if tensor.shape() != tensors[0].shape() {
            bail!(
                "{op}: the parameter is {:?}, but its state or gradient {:?}",
                tensors[0].shape(),
                tensor.shape()
            )
        }
        // Locking the same memory twice would wait for ever.
        if tensors[..i]
            .iter()
            .any(|other| address(other) == address(tensor))
        {
            bail!("{op}: parameter, state and gradient must not share memory; `copy` one")
        }
    }
    Ok(())
}

/// Runs `with` on the values of a tensor and keeps its changes.
pub(super) fn with_floats_mut(
    op: &'static str,
    tensor: &Tensor,
    with: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<()> {
    tensor.inplace_op1(&InPlace {
        op,
        with: Cell::new(Some(with)),
    })
}

/// Where a tensor's values live, whatever part of them it shows.
fn address(tensor: &Tensor) -> *const Storage {
    &raw const *tensor.storage_and_layout().0
}

struct InPlace<F> {
    op: &'static str,
    with: Cell<Option<F>>,
}

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for InPlace<F> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let op = self.op;
        let CpuStorage::F32(values) = storage else {
            bail!("{op}: only float32 tensors can be updated; convert with `to_dtype(DType::F32)`")
        };
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("{op}: what is updated must be contiguous")
        };
        match self.with.take() {
            Some(with) => with(&mut values[start..end]),
            None => bail!("{op}: an in-place operation ran twice"),
        }
    }
}
