//! A network as the fused executor sees it.

use ablate_core::Pass;
use ablate_ops::Mask;

use super::conv_plans::ConvPlans;
use super::plan::Plan;
use super::values::Buffers;
use crate::node::{Node, Step};

/// Layers with the plan and the buffers to run them.
#[derive(Debug)]
pub(crate) struct Network {
    pub nodes: Vec<Node>,
    /// Shape of one image's output.
    pub output: Vec<usize>,
    /// Values of one input image.
    pub input_len: usize,
    pub(super) plan: Plan,
    pub(super) conv_plans: ConvPlans,
    pub(super) buffers: Buffers,
}

impl Network {
    /// Plans the execution of layers on images of `input_len` values; `None`
    /// where the executor cannot run them.
    pub fn new(
        nodes: &[Node],
        input_len: usize,
        output: Vec<usize>,
        buffers: &Buffers,
    ) -> Option<Self> {
        Some(Self {
            plan: Plan::new(nodes)?,
            conv_plans: ConvPlans::new(nodes.len()),
            nodes: nodes.to_vec(),
            output,
            input_len,
            buffers: buffers.clone(),
        })
    }

    /// Values of one image's output.
    pub fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// Whether any layer works on maps.
    pub(super) fn has_maps(&self) -> bool {
        self.plan.maps > 0
    }

    /// Whether any layer works on rows of features.
    pub(super) fn has_rows(&self) -> bool {
        self.plan.maps < self.nodes.len()
    }

    /// Values of one image's input to node `i`.
    pub(super) fn input_len_of(&self, i: usize) -> usize {
        match i {
            0 => self.input_len,
            _ => self.nodes[i - 1].output_len(),
        }
    }

    /// By node: its dropout mask in this pass.
    pub(super) fn masks(&self, pass: &Pass) -> Vec<Option<Mask>> {
        let mask = |node: &Node| match node.step {
            Step::Dropout { .. } => node.mask(pass, node.output_len()),
            _ => None,
        };
        self.nodes.iter().map(mask).collect()
    }
}
