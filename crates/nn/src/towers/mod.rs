//! A network whose towers run each for itself, as on the paper's two GPUs
//! (section 3.2). Not here: which layers see across, which `division` decides,
//! and how a worker computes, which is `fused`.
//!
//! Each tower has the kernels of its own half and all that follows from them.
//! Before a layer that sees both (conv3, the linear layers) the towers hand
//! each other their values, and on the way back what each of them found the
//! gradient of the other's values to be. Everything else a worker does alone.
//!
//! The towers are one program whether one worker runs them all or each has one
//! of its own: every sum has the order the layout gives it, so the placement
//! changes no bit. Against the same layers run undivided the forward pass is the
//! same bits too; gradients differ by rounding, because one that comes from
//! several towers is added up tower by tower, and because a weight's sum goes
//! over the pixels in patches, whose size depends on how many kernels there are.

mod backward;
mod columns;
mod forward;
mod op;
mod place;
mod split;
mod traffic;

use candle_core::Result;

use columns::Columns;
pub(crate) use op::run;
pub(crate) use place::Place;
use split::Segment;
use traffic::Traffic;

use crate::node::Node;
use crate::workspace::Workspace;

/// The towers of one network.
#[derive(Debug)]
pub(crate) struct Towers {
    /// The layers undivided, whose parameters get the gradients.
    nodes: Vec<Node>,
    segments: Vec<Segment>,
    /// Shape of one image's output.
    output: Vec<usize>,
    buffers: Workspace<f32>,
    /// What workers have handed each other in passes that train.
    pub traffic: Traffic,
}

impl Towers {
    /// Divides layers among `count` towers, which gather their values before
    /// the nodes `gathers`; `None` where the executor cannot run them.
    ///
    /// # Errors
    /// Parameters that do not have the shapes of their layers.
    pub fn new(
        nodes: &[Node],
        gathers: &[usize],
        count: usize,
        input_len: usize,
        output: Vec<usize>,
    ) -> Result<Option<Self>> {
        let segments = split::split(nodes, gathers, count, input_len)?;
        Ok(segments.map(|segments| Self {
            nodes: nodes.to_vec(),
            segments,
            output,
            buffers: Workspace::default(),
            traffic: Traffic::default(),
        }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.segments
            .first()
            .map_or(1, |first| first.networks.len())
    }

    /// Values of one image's output.
    fn output_len(&self) -> usize {
        self.output.iter().product()
    }
}
