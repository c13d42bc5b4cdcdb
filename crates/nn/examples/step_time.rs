//! Where a training step spends its time.
//!
//! ```sh
//! cargo run --release -p ablate-nn --example step_time -- [convnet|convnet-lrn|alexnet] [batch] [steps] [bf16]
//! ```
//!
//! Prints the time of each layer forwards and backwards, then images a second of
//! whole training steps (forward, cross-entropy, backward, SGD update) and of
//! evaluation. Each figure is the fastest of the steps, the one that other
//! programs disturbed least; the median stands beside the last two.

use std::time::{Duration, Instant};

use ablate_alexnet::AlexNet;
use ablate_convnet::ConvNet;
use ablate_core::{Gradients, Parameters, Pass, Precision, Result, Stream};
use ablate_nn::{LayerTime, Stack, StackBuilder};
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor, Var};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map(String::as_str);
    let number = |i: usize, default| argument(i).and_then(|n| n.parse().ok()).unwrap_or(default);
    let name = argument(0).unwrap_or("convnet");
    let (table, input, classes, batch) = match name {
        "alexnet" => {
            let table = ablate_alexnet::net::layers(&AlexNet::default(), 1000);
            (table, [3, 224, 224], 1000, 64)
        }
        _ => {
            let mut config = ConvNet::default();
            config.lrn.enabled = name == "convnet-lrn";
            (ablate_convnet::layers(&config, 10), [3, 32, 32], 10, 128)
        }
    };
    let precision = match argument(3) {
        Some("bf16") => Precision::Bf16,
        _ => Precision::F32,
    };
    let bench = Bench::new(table, input, classes, number(1, batch), precision)?;
    let steps = number(2, 10);
    bench.layers(steps)?;
    bench.training(steps)?;
    bench.evaluation(steps)
}

struct Bench {
    stack: Stack,
    parameters: Parameters,
    images: Tensor,
    targets: Tensor,
    batch: usize,
    precision: Precision,
}

impl Bench {
    fn new(
        table: StackBuilder,
        input: [usize; 3],
        classes: u32,
        batch: usize,
        precision: Precision,
    ) -> Result<Self> {
        let device = Device::Cpu;
        let parameters = Parameters::new(Stream::new(0));
        let [c, h, w] = input;
        let labels: Vec<u32> = (0..batch as u32).map(|i| i % classes).collect();
        Ok(Self {
            stack: table.build(input, &parameters.builder(DType::F32, &device))?,
            parameters,
            images: Tensor::randn(0f32, 1.0, (batch, c, h, w), &device)?,
            targets: Tensor::new(labels, &device)?,
            batch,
            precision,
        })
    }

    /// The table of layers.
    fn layers(&self, steps: usize) -> Result<()> {
        let mut runs: Vec<Vec<LayerTime>> = Vec::new();
        for step in 0..=steps {
            let pass = Pass::train(Stream::new(1).at(step)).with_precision(self.precision);
            let loss = |logits: &Tensor| cross_entropy(logits, &self.targets);
            runs.push(self.stack.time_layers(&self.images, &pass, loss)?);
        }
        // The first run allocates the buffers.
        runs.remove(0);
        let columns = ["layer", "forward", "backward", "Gmadd/s"];
        println!(
            "{:44} {:>10} {:>10} {:>9}",
            columns[0], columns[1], columns[2], columns[3]
        );
        let mut total = [Duration::ZERO; 2];
        for layer in 0..runs[0].len() {
            let forward = fastest(runs.iter().map(|run| run[layer].forward));
            let backward = fastest(runs.iter().map(|run| run[layer].backward));
            total = [total[0] + forward, total[1] + backward];
            let line = &runs[0][layer].layer;
            let madds = line.multiply_adds as f64 * self.batch as f64;
            println!(
                "{:44} {:>7.2} ms {:>7.2} ms {:>9.1}",
                format!("{} {}", line.name, line.operation),
                milliseconds(forward),
                milliseconds(backward),
                madds / forward.as_secs_f64() / 1e9,
            );
        }
        let [forward, backward] = total.map(milliseconds);
        println!("{:44} {forward:>7.2} ms {backward:>7.2} ms", "all layers");
        Ok(())
    }

    /// Whole training steps.
    fn training(&self, steps: usize) -> Result<()> {
        let all = self.parameters.all();
        let velocities: Vec<Var> = all
            .iter()
            .map(|parameter| Ok(Var::from_tensor(&parameter.var.zeros_like()?)?))
            .collect::<Result<_>>()?;
        let mut times = Vec::new();
        let mut update = Vec::new();
        for step in 0..=steps {
            let start = Instant::now();
            let pass = Pass::train(Stream::new(2).at(step)).with_precision(self.precision);
            let logits = self.stack.forward(&self.images, &pass)?;
            let loss = cross_entropy(&logits, &self.targets)?;
            let gradients = Gradients::of(&loss, &pass, &all)?;
            let updating = Instant::now();
            for (parameter, velocity) in all.iter().zip(&velocities) {
                if let Some(gradient) = gradients.get(parameter) {
                    sgd_paper(&parameter.var, velocity, gradient, 1e-4, 0.9, 5e-4)?;
                }
            }
            update.push(updating.elapsed());
            drop((gradients, loss, logits));
            times.push(start.elapsed());
        }
        self.report("training", times);
        println!(
            "  of a step, the update takes {:.1} ms",
            milliseconds(fastest(update))
        );
        Ok(())
    }

    /// Forward passes alone.
    fn evaluation(&self, steps: usize) -> Result<()> {
        let mut times = Vec::new();
        for _ in 0..=steps {
            let start = Instant::now();
            let pass = Pass::evaluate().with_precision(self.precision);
            self.stack.forward(&self.images, &pass)?;
            times.push(start.elapsed());
        }
        self.report("evaluation", times);
        Ok(())
    }

    /// The first of the times is left out: it allocates the buffers.
    fn report(&self, what: &str, mut times: Vec<Duration>) {
        times.remove(0);
        times.sort_unstable();
        let rate = |time: Duration| self.batch as f64 / time.as_secs_f64();
        let (best, median) = (times[0], times[times.len() / 2]);
        println!(
            "{what}: {:.1} images/s, median {:.1} ({:.1} ms a step)",
            rate(best),
            rate(median),
            milliseconds(best),
        );
    }
}

fn fastest(times: impl IntoIterator<Item = Duration>) -> Duration {
    times.into_iter().min().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
