//! The gradients of a network's parameters on their way to the pass.

use ablate_core::Pass;
use ablate_ops::on_large_pages;
use candle_core::{Result, Tensor};

use crate::node::Node;

/// Gradients of weight and bias by node, empty where it has none.
pub(crate) struct LayerGradients(Vec<[Vec<f32>; 2]>);

impl LayerGradients {
    /// The parameter that stands for all of them in candle's graph.
    pub fn anchor(nodes: &[Node]) -> Option<&Tensor> {
        let affine = nodes.iter().find_map(Node::parameters);
        affine.map(|affine| &affine.weight)
    }

    /// Room for the gradients of these layers.
    pub fn zeros(nodes: &[Node]) -> Self {
        let zeros = |node: &Node| match node.parameters() {
            Some(affine) => {
                [&affine.weight, &affine.bias].map(|p| on_large_pages(vec![0.0; p.elem_count()]))
            }
            None => [Vec::new(), Vec::new()],
        };
        Self(nodes.iter().map(zeros).collect())
    }

    /// The values to be written.
    pub fn slices(&mut self) -> Vec<[&mut [f32]; 2]> {
        let pairs = self.0.iter_mut();
        pairs
            .map(|pair| pair.each_mut().map(Vec::as_mut_slice))
            .collect()
    }

    /// Hands the gradients over.
    ///
    /// # Errors
    /// The shapes of two gradients of one parameter differ.
    pub fn deposit(self, nodes: &[Node], pass: &Pass) -> Result<()> {
        for (node, [weight, bias]) in nodes.iter().zip(self.0) {
            if let Some(affine) = node.parameters() {
                for (parameter, gradient) in [(&affine.weight, weight), (&affine.bias, bias)] {
                    let (shape, device) = (parameter.shape(), parameter.device());
                    pass.deposit(parameter, Tensor::from_vec(gradient, shape, device)?)?;
                }
            }
        }
        Ok(())
    }
}
