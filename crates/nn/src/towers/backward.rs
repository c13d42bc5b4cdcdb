//! The way back through the towers.

use candle_core::Result;

use super::forward::Stage;
use super::{Place, Towers};
use crate::fused::{Backward, LayerGradients, take_front};
use crate::node::Node;
use crate::workspace::Buffer;

/// A tower's share of the parameters' gradients, of weight and bias by node.
type Share<'a> = Vec<[&'a mut [f32]; 2]>;

/// What a forward pass left, for its backward pass.
pub(super) struct WayBack<'a> {
    pub towers: &'a Towers,
    pub place: &'a Place,
    /// By segment and tower.
    pub stages: &'a [Vec<Stage>],
    pub images: &'a [f32],
    /// The gradient of the output, `[N, ...]`.
    pub grad_output: &'a [f32],
    /// Whether the pass trains, so that what is handed over counts.
    pub trains: bool,
}

impl WayBack<'_> {
    /// Overwrites the gradients of the parameters, and of the images if wanted.
    pub fn run(
        &self,
        grad_images: Option<&mut [f32]>,
        gradients: &mut LayerGradients,
    ) -> Result<()> {
        let mut shares = self.shares(gradients);
        // By tower: its part in the gradient of the values it started from.
        let mut partial: Vec<Option<Buffer<f32>>> = Vec::new();
        for segment in (0..self.towers.segments.len()).rev() {
            let start = self.towers.segments[segment].nodes.start;
            let work = shares.iter_mut().map(|share| share.split_off(start));
            let wanted = segment > 0 || grad_images.is_some();
            let run = |tower: usize, mut share: Share| {
                self.segment(segment, tower, &partial, wanted, &mut share)
            };
            let below = self.place.each(work.collect(), run);
            partial = below.into_iter().collect::<Result<_>>()?;
        }
        if let Some(grad_images) = grad_images {
            grad_images.fill(0.0);
            for partial in partial.iter().flatten() {
                for (sum, term) in grad_images.iter_mut().zip(&**partial) {
                    *sum += term;
                }
            }
        }
        Ok(())
    }

    /// One tower's way back through one segment, from the gradient `above` that
    /// each tower found; returns its own part in that of what it started from.
    fn segment(
        &self,
        segment: usize,
        tower: usize,
        above: &[Option<Buffer<f32>>],
        wanted: bool,
        share: &mut Share,
    ) -> Result<Option<Buffer<f32>>> {
        let buffers = &self.towers.buffers;
        let stage = &self.stages[segment][tower];
        let gradient = self.own_gradient(segment, tower, above);
        let net = &self.towers.segments[segment].networks[tower];
        let images = stage.input.as_deref().unwrap_or(self.images);
        let mut below = wanted.then(|| buffers.take(images.len()));
        let way_back = Backward {
            net,
            saved: &stage.saved,
            images,
            output: &stage.output,
            grad_output: &gradient,
            trace: None,
        };
        way_back.run(below.as_deref_mut(), share)?;
        Ok(below)
    }

    /// The gradient of a tower's own output of a segment: its columns of the
    /// network's, or what all towers found above, in their order.
    fn own_gradient(
        &self,
        segment: usize,
        tower: usize,
        above: &[Option<Buffer<f32>>],
    ) -> Buffer<f32> {
        let columns = &self.towers.segments[segment].columns;
        let mut gradient = self
            .towers
            .buffers
            .take(self.stages[segment][tower].output.len());
        let from_others = match above {
            [] => {
                columns.pick(tower, self.grad_output, &mut gradient);
                usize::from(tower > 0)
            }
            above => {
                let terms = above.iter().flatten().map(|part| &**part);
                columns.sum(tower, terms, &mut gradient);
                above.len() - 1
            }
        };
        if self.trains && self.place.is_apart() {
            self.towers
                .traffic
                .add_backward(from_others * gradient.len());
        }
        gradient
    }

    /// The gradients divided among the towers, as their parameters are.
    fn shares<'g>(&self, gradients: &'g mut LayerGradients) -> Vec<Share<'g>> {
        let mut rest = gradients.slices();
        (0..self.towers.count())
            .map(|tower| {
                let segments = self.towers.segments.iter();
                let nodes = segments.flat_map(|segment| &segment.networks[tower].nodes);
                let share = |(rest, node): (&mut [&'g mut [f32]; 2], &Node)| {
                    let affine = node.parameters();
                    let lens = affine.map_or([0; 2], |affine| {
                        [&affine.weight, &affine.bias].map(|p| p.elem_count())
                    });
                    let [weight, bias] = rest;
                    [take_front(weight, lens[0]), take_front(bias, lens[1])]
                };
                rest.iter_mut().zip(nodes).map(share).collect()
            })
            .collect()
    }
}
