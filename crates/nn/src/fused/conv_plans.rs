//! Packed convolution weights, reused between passes.

use std::sync::{Mutex, PoisonError};

use ablate_ops::{ConvPlan, Precision};
use candle_core::{Error, Result};

use super::Direction;
use crate::node::{Node, Step};

/// Idle plans by node. Passes that overlap, on several threads or before one
/// backward, each have plans of their own, since each packs its weights.
#[derive(Debug)]
pub(super) struct ConvPlans(Vec<Mutex<Vec<ConvPlan>>>);

/// Plans by node, lent for one pass.
pub(super) struct Lent<'a> {
    pub plans: Vec<Option<ConvPlan>>,
    home: &'a ConvPlans,
}

impl ConvPlans {
    pub fn new(nodes: usize) -> Self {
        Self((0..nodes).map(|_| Mutex::default()).collect())
    }

    fn idle(&self, node: usize, precision: Precision) -> Option<ConvPlan> {
        let mut idle = self.0[node].lock().unwrap_or_else(PoisonError::into_inner);
        let fits = idle.iter().position(|plan| plan.precision() == precision)?;
        Some(idle.swap_remove(fits))
    }

    /// Plans with the given weights packed for one direction.
    ///
    /// # Errors
    /// A shape that is no convolution; the builder lets none through.
    pub fn pack(
        &self,
        nodes: &[Node],
        parameters: &[[&[f32]; 2]],
        precision: Precision,
        direction: Direction,
    ) -> Result<Lent<'_>> {
        let plan = |(i, node): (usize, &Node)| {
            let Step::Conv2d { shape, .. } = &node.step else {
                return Ok(None);
            };
            let mut plan = match self.idle(i, precision) {
                Some(plan) => plan,
                None => ConvPlan::new(*shape, precision).map_err(Error::wrap)?,
            };
            match direction {
                Direction::Forward => plan.pack_forward(parameters[i][0]),
                Direction::Backward => plan.pack_backward(parameters[i][0]),
            }
            Ok(Some(plan))
        };
        Ok(Lent {
            plans: nodes.iter().enumerate().map(plan).collect::<Result<_>>()?,
            home: self,
        })
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        for (home, plan) in self.home.0.iter().zip(&mut self.plans) {
            let mut idle = home.lock().unwrap_or_else(PoisonError::into_inner);
            idle.extend(plan.take());
        }
    }
}
