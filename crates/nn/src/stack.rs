//! A built network and the two ways it can run.

use std::sync::Arc;
use std::time::Duration;

use ablate_core::{Error, Exchanged, LayerSummary, ModelSummary, Pass, Result};
use candle_core::{DType, Shape, Tensor, bail};

use crate::chain;
use crate::fused::{self, Buffers, Network, Trace};
use crate::node::{Node, Step};
use crate::shapes::Resolved;
use crate::towers::{self, Place, Towers};

/// A feed-forward network over images, built by a
/// [`StackBuilder`](crate::StackBuilder).
///
/// On the CPU in float32 the whole network runs as one fused operation over
/// reused buffers. Elsewhere, as on a GPU, it is a chain of candle operations. Either
/// hands the parameters' gradients to the [`Pass`]; results agree to rounding.
#[derive(Clone, Debug)]
pub struct Stack {
    input: [usize; 3],
    network: Part,
    features: Option<Part>,
    /// How many towers the network is laid out for.
    towers: usize,
    /// The network divided, where it is laid out for towers that can run apart.
    divided: Option<Arc<Towers>>,
    place: Arc<Place>,
}

/// The layers up to some values.
#[derive(Clone, Debug)]
struct Part {
    nodes: Arc<[Node]>,
    /// Shape of the values for one image.
    output: Vec<usize>,
    /// Whether the parameters are leaves of candle's graph, so that their gradients may
    /// bypass it.
    has_leaves: bool,
    /// Where the fused operation can run these layers.
    fused: Option<Arc<Network>>,
}

/// How long one layer took; see [`Stack::time_layers`].
#[derive(Clone, Debug)]
pub struct LayerTime {
    /// The layer.
    pub layer: LayerSummary,
    /// Time of its forward pass.
    pub forward: Duration,
    /// Time of its backward pass.
    pub backward: Duration,
}

impl Stack {
    pub(crate) fn new(resolved: Resolved, input: [usize; 3]) -> Result<Self> {
        let Resolved {
            nodes,
            output,
            features,
            towers,
            gathers,
        } = resolved;
        let buffers = Buffers::default();
        let input_len = input.iter().product();
        let part = |nodes: &[Node], output: Vec<usize>| Part {
            has_leaves: all(nodes, is_leaf),
            fused: match all(nodes, is_fusable_leaf) {
                true => Network::new(nodes, input_len, output.clone(), &buffers).map(Arc::new),
                false => None,
            },
            nodes: nodes.into(),
            output,
        };
        let divided = match towers > 1 && all(&nodes, is_fusable_leaf) {
            true => Towers::new(&nodes, &gathers, towers, input_len, output.clone())?,
            false => None,
        };
        Ok(Self {
            input,
            features: features.map(|mark| part(&nodes[..mark.nodes], mark.shape)),
            network: part(&nodes, output),
            towers,
            divided: divided.map(Arc::new),
            place: Arc::default(),
        })
    }

    /// Gives each tower a worker with an equal share of the threads there are, or
    /// with `workers` 1 brings them together again. No bit of any result changes.
    ///
    /// # Errors
    /// The network is not laid out for as many towers
    /// ([`StackBuilder::towers`](crate::StackBuilder::towers)), or its parameters
    /// are not float32 on the CPU.
    pub fn place(&mut self, workers: usize) -> Result<()> {
        self.place = Arc::new(match (workers, &self.divided) {
            (1, _) => Place::Together,
            (_, Some(towers)) if workers == towers.count() => Place::apart(workers)?,
            (_, Some(towers)) => {
                return Err(Error::Other(format!(
                    "{workers} workers cannot share the network's {} towers\n  fix: set \
                     machine.workers = 1, or as many as there are towers",
                    towers.count()
                )));
            }
            (_, None) => {
                return Err(Error::Other(format!(
                    "{workers} workers cannot share a network without separate towers, or one \
                     whose parameters are not float32 on the CPU\n  fix: set \
                     machine.workers = 1"
                )));
            }
        });
        Ok(())
    }

    /// What workers handed each other in training since this was last asked;
    /// `None` where there is one.
    pub fn take_exchanged(&self) -> Option<Exchanged> {
        let towers = self.divided.as_ref()?;
        self.place.is_apart().then(|| towers.traffic.take())
    }

    /// Outputs `[N, ...]` for images `[N, C, H, W]`.
    ///
    /// Gradients of the parameters are deposited in `pass`, or found by candle where a
    /// parameter is made by other operations;
    /// [`Gradients::of`](ablate_core::Gradients::of) gathers both. A pass that
    /// evaluates has none. Images that are tracked get theirs either way.
    ///
    /// # Errors
    /// The images do not have the shape the network was built for, or another
    /// type or device than its parameters.
    pub fn forward(&self, images: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        self.check(images)?;
        match &self.divided {
            Some(towers) if is_fusable(images) => towers::run(towers, &self.place, images, pass),
            _ => self.network.run(images, pass),
        }
    }

    /// [`forward`](Self::forward) with the towers' layers run as grouped ones of
    /// one network: the same values, and gradients that differ by rounding.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    pub fn forward_undivided(&self, images: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        self.check(images)?;
        self.network.run(images, pass)
    }

    /// [`forward`](Self::forward) as a chain of candle operations on any device:
    /// the reference that the fused operation is tested against.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    pub fn forward_unfused(&self, images: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        self.check(images)?;
        self.network.run_unfused(images, pass)
    }

    /// The values marked by [`StackBuilder::features`](crate::StackBuilder::features),
    /// when evaluating; `None` where nothing is marked.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward).
    pub fn features(&self, images: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.check(images)?;
        let features = self.features.as_ref();
        features
            .map(|part| part.run(images, &Pass::evaluate()))
            .transpose()
    }

    /// The name of the first convolution's weight `[O, C, kH, kW]`; `None` in a
    /// network without convolutions.
    pub fn first_convolution(&self) -> Option<String> {
        let mut nodes = self.network.nodes.iter();
        let first = nodes.find(|node| matches!(node.step, Step::Conv2d { .. }))?;
        Some(format!("{}.weight", first.name))
    }

    /// How many separate towers the network is laid out for, on any device; 1 where they
    /// are joint.
    pub fn towers(&self) -> usize {
        self.towers
    }

    /// Layer by layer: shapes, parameters, multiply-adds.
    pub fn summary(&self) -> ModelSummary {
        ModelSummary {
            layers: self.network.nodes.iter().map(Node::summary).collect(),
        }
    }

    /// Times the layers of one training step. `learn` gets the output and does
    /// what follows the forward pass: loss, gradients, update. Layers that run on
    /// several threads at once, block by block, are charged their share of the
    /// time.
    ///
    /// # Errors
    /// As for [`forward`](Self::forward), or whatever `learn` raises; the fused
    /// operation must apply.
    pub fn time_layers(
        &self,
        images: &Tensor,
        pass: &Pass,
        learn: impl FnOnce(&Tensor) -> Result<()>,
    ) -> Result<Vec<LayerTime>> {
        self.check(images)?;
        let Some(network) = self.network.fused(images) else {
            return Err(Error::Other(
                "only the fused network, on the CPU in float32, can be timed by layer".to_string(),
            ));
        };
        let trace = Arc::new(Trace::new(network.nodes.len()));
        learn(&fused::run(
            network,
            images,
            pass,
            Some(Arc::clone(&trace)),
        )?)?;
        let layers = self.network.nodes.iter().zip(trace.times());
        Ok(layers
            .map(|(node, [forward, backward])| LayerTime {
                layer: node.summary(),
                forward,
                backward,
            })
            .collect())
    }

    fn check(&self, images: &Tensor) -> candle_core::Result<()> {
        let [channels, height, width] = self.input;
        match images.dims() {
            [batch, shape @ ..] if *batch > 0 && shape == self.input => Ok(()),
            found => bail!(
                "the network takes images [N, {channels}, {height}, {width}] with N at least 1, \
                 not {found:?}"
            ),
        }
    }
}

impl Part {
    fn run(&self, images: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        match self.fused(images) {
            Some(network) => fused::run(network, images, pass, None),
            None => self.run_unfused(images, pass),
        }
    }

    fn run_unfused(&self, images: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let shape = Shape::from([&images.dims()[..1], &self.output].concat());
        match self.has_leaves && pass.stream().is_some() {
            true => chain::run_noted(&self.nodes, images, shape, pass),
            false => chain::run(&self.nodes, images, shape, pass),
        }
    }

    /// The fused operation, where it can take these images.
    fn fused(&self, images: &Tensor) -> Option<&Arc<Network>> {
        let network = self.fused.as_ref()?;
        is_fusable(images).then_some(network)
    }
}

/// Whether the fused operations take these images.
fn is_fusable(images: &Tensor) -> bool {
    images.device().is_cpu() && images.dtype() == DType::F32
}

fn all(nodes: &[Node], are: impl Fn(&Tensor) -> bool) -> bool {
    let parameters = nodes.iter().filter_map(Node::parameters);
    let mut tensors = parameters.flat_map(|affine| [&affine.weight, &affine.bias]);
    tensors.all(are)
}

/// Whether the gradient of a tensor may bypass candle's graph: it is a variable or a
/// constant, not a result of other operations.
fn is_leaf(tensor: &Tensor) -> bool {
    (tensor.is_variable() || !tensor.track_op()) && tensor.is_contiguous()
}

/// Whether the fused operations take this parameter.
fn is_fusable_leaf(tensor: &Tensor) -> bool {
    is_leaf(tensor) && tensor.device().is_cpu() && tensor.dtype() == DType::F32
}
