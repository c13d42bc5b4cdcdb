//! What the fused executor decides once for a network.

use ablate_ops::{Activation, LANES};

use crate::node::{Node, Step};

/// The most tasks a batch is split into. A constant, because the order in which
/// the tasks' gradients are summed must not depend on the number of threads.
const MOST_TASKS: usize = 16;

/// Parameter gradients all tasks together may hold, in values.
const MOST_GRADIENTS: usize = 16 * 1024 * 1024;

/// The decisions for one network.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How many nodes work on maps, image by image; the rest works on rows of
    /// features, all images at once.
    pub maps: usize,
    /// By node: whether backward reads its output.
    pub keep: Vec<bool>,
    /// By node: whether the max-pooling after it applies the derivative of its
    /// activation. All windows that a value wins share its value, so the
    /// derivative may be taken from the pooled values, and the larger values
    /// before pooling need not be kept.
    pub deferred: Vec<bool>,
    /// Tasks that the images of a batch are split among, at most.
    tasks: usize,
}

impl Plan {
    /// Plans for a network; `None` where it has a layer the executor lacks:
    /// dropout on maps, whose masks are numbered over another layout.
    pub fn new(nodes: &[Node]) -> Option<Self> {
        let is_row_step = |node: &Node| {
            matches!(
                node.step,
                Step::Linear { .. } | Step::Activation(_) | Step::Dropout { .. }
            )
        };
        let maps = nodes
            .iter()
            .rposition(|node| !is_row_step(node))
            .map_or(0, |last| last + 1);
        let is_dropout = |node: &Node| matches!(node.step, Step::Dropout { .. });
        if nodes[..maps].iter().any(is_dropout) {
            return None;
        }
        let deferred: Vec<_> = (0..nodes.len())
            .map(|i| pools_activation(nodes, i))
            .collect();
        let parameters = nodes[..maps].iter().map(Node::parameter_count).sum();
        Some(Self {
            maps,
            keep: (0..nodes.len())
                .map(|i| is_read_by_backward(nodes, maps, &deferred, i))
                .collect(),
            deferred,
            tasks: MOST_GRADIENTS
                .checked_div(parameters)
                .map_or(MOST_TASKS, |tasks| tasks.clamp(1, MOST_TASKS)),
        })
    }

    /// Images of each task: whole blocks, as many as a multiple of `together`.
    pub fn images_per_task(&self, batch: usize, together: usize) -> usize {
        let blocks = batch.div_ceil(LANES).div_ceil(self.tasks);
        blocks.next_multiple_of(together) * LANES
    }
}

fn pools_activation(nodes: &[Node], i: usize) -> bool {
    let pooled = nodes.get(i + 1).map(|next| &next.step);
    nodes[i].activation() != Activation::Identity && matches!(pooled, Some(Step::MaxPool2d(_)))
}

fn is_read_by_backward(nodes: &[Node], maps: usize, deferred: &[bool], i: usize) -> bool {
    let as_output = match nodes[i].step {
        Step::MaxPool2d(_) => i > 0 && deferred[i - 1],
        _ => nodes[i].activation() != Activation::Identity && !deferred[i],
    };
    let as_input = nodes.get(i + 1).is_some_and(|next| {
        matches!(
            next.step,
            Step::Conv2d { .. } | Step::Linear { .. } | Step::LocalResponseNorm { .. }
        )
    });
    // The first layer on rows reads its input as rows, which are kept besides.
    as_output || as_input && i + 1 != maps
}
