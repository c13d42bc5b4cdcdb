//! What it brings to give each of AlexNet's towers a worker of its own (paper,
//! section 3.2).
//!
//! ```sh
//! cargo run --release -p ablate-nn --example tower_time -- [paper|scaled] [batch] [steps]
//! ```
//!
//! Times whole training steps (forward, cross-entropy, backward, SGD update) of
//! the paper's network, or of a quarter of its width on 32x32 images: as grouped
//! convolutions of one network, as towers that share one worker, and on two
//! workers with half the threads each. The three take turns step by step, so
//! that other programs disturb them alike. Prints the fastest and the median
//! step of each as images a second, and what the workers handed each other.

use std::time::{Duration, Instant};

use ablate_alexnet::{AlexNet, Stem, Towers};
use ablate_core::{Exchanged, Gradients, Parameters, Pass, Result, Stream};
use ablate_nn::Stack;
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor, Var};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default| {
        let argument = arguments.get(i);
        argument.and_then(|n| n.parse().ok()).unwrap_or(default)
    };
    let towers = Towers::Separate;
    let paper = AlexNet {
        towers,
        ..AlexNet::default()
    };
    let scaled = AlexNet {
        width: 0.25,
        stem: Stem {
            size: 5,
            stride: 1,
            padding: 2,
        },
        ..paper.clone()
    };
    let (config, input, classes, batch) = match arguments.first().map(String::as_str) {
        Some("paper") => (paper, [3, 224, 224], 1000, 64),
        _ => (scaled, [3, 32, 32], 10, 128),
    };
    let mut bench = Bench::new(&config, input, classes, number(1, batch))?;
    bench.run(number(2, 10))
}

struct Bench {
    stack: Stack,
    parameters: Parameters,
    velocities: Vec<Var>,
    images: Tensor,
    targets: Tensor,
}

/// A way to run a step, with its times.
struct Way {
    name: &'static str,
    forward: fn(&Stack, &Tensor, &Pass) -> candle_core::Result<Tensor>,
    workers: usize,
    times: Vec<Duration>,
}

impl Bench {
    fn new(config: &AlexNet, input: [usize; 3], classes: u32, batch: usize) -> Result<Self> {
        let device = Device::Cpu;
        let parameters = Parameters::new(Stream::new(0));
        let builder = parameters.builder(DType::F32, &device);
        let [c, h, w] = input;
        let labels: Vec<u32> = (0..batch as u32).map(|i| i % classes).collect();
        let velocity = |p: &ablate_core::Parameter| Ok(Var::from_tensor(&p.var.zeros_like()?)?);
        Ok(Self {
            stack: ablate_alexnet::net::layers(config, classes as usize).build(input, &builder)?,
            velocities: parameters
                .all()
                .iter()
                .map(velocity)
                .collect::<Result<_>>()?,
            parameters,
            images: Tensor::randn(0f32, 1.0, (batch, c, h, w), &device)?,
            targets: Tensor::new(labels, &device)?,
        })
    }

    fn run(&mut self, steps: usize) -> Result<()> {
        let way = |name, forward, workers| Way {
            name,
            forward,
            workers,
            times: Vec::new(),
        };
        let mut ways = [
            way("one network, grouped", Stack::forward_undivided as _, 1),
            way("towers, one worker", Stack::forward as _, 1),
            way("towers, two workers", Stack::forward as _, 2),
        ];
        let mut exchanged = Exchanged::default();
        for step in 0..=steps {
            for way in &mut ways {
                self.stack.place(way.workers)?;
                let start = Instant::now();
                self.step(way.forward, step)?;
                way.times.push(start.elapsed());
                exchanged = self.stack.take_exchanged().unwrap_or(exchanged);
            }
        }
        let batch = self.images.dim(0)?;
        for way in &mut ways {
            // The first step allocates the buffers.
            way.times.remove(0);
            way.times.sort_unstable();
            let rate = |time: Duration| batch as f64 / time.as_secs_f64();
            let (best, median) = (way.times[0], way.times[way.times.len() / 2]);
            println!(
                "{:22} {:>8.1} images/s, median {:>8.1}",
                way.name,
                rate(best),
                rate(median)
            );
        }
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "exchanged a step of {batch} images: {:.2} MiB forward, {:.2} MiB backward",
            mib(exchanged.forward),
            mib(exchanged.backward)
        );
        Ok(())
    }

    fn step(
        &self,
        forward: fn(&Stack, &Tensor, &Pass) -> candle_core::Result<Tensor>,
        step: usize,
    ) -> Result<()> {
        let all = self.parameters.all();
        let pass = Pass::train(Stream::new(2).at(step));
        let logits = forward(&self.stack, &self.images, &pass)?;
        let loss = cross_entropy(&logits, &self.targets)?;
        let gradients = Gradients::of(&loss, &pass, &all)?;
        for (parameter, velocity) in all.iter().zip(&self.velocities) {
            if let Some(gradient) = gradients.get(parameter) {
                sgd_paper(&parameter.var, velocity, gradient, 1e-4, 0.9, 5e-4)?;
            }
        }
        Ok(())
    }
}
