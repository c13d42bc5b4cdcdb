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
//! workers with half the threads each. The fourth is the net for one GPU, with
//! half the kernels and about as many parameters, on half the threads: what the
//! paper found to train slightly slower than the third. The four take turns step
//! by step, so that other programs disturb them alike. Prints the fastest and the
//! median step of each as images a second, and what the workers handed each other.

use std::time::{Duration, Instant};

use ablate_alexnet::{AlexNet, Stem, Towers};
use ablate_core::{Error, Exchanged, Gradients, Parameters, Pass, Result, Stream};
use ablate_nn::Stack;
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor, Var};
use rayon::{ThreadPool, ThreadPoolBuilder};

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
    let (batch, steps) = (number(1, batch), number(2, 10));
    let one_gpu = AlexNet {
        gpus: 1,
        ..config.clone()
    };
    let device = Device::Cpu;
    let [c, h, w] = input;
    let labels: Vec<u32> = (0..batch as u32).map(|i| i % classes).collect();
    let bench = Bench {
        images: Tensor::randn(0f32, 1.0, (batch, c, h, w), &device)?,
        targets: Tensor::new(labels, &device)?,
    };
    let net = |config: &AlexNet| Net::new(config, input, classes as usize);
    let half = (rayon::current_num_threads() / 2).max(1);
    let mut apart = net(&config)?;
    apart.stack.place(2)?;
    let mut ways = [
        Way::new(
            "one network, grouped",
            net(&config)?,
            Stack::forward_undivided,
        ),
        Way::new("towers, one worker", net(&config)?, Stack::forward),
        Way::new("towers, two workers", apart, Stack::forward),
        Way::new("one-GPU net", net(&one_gpu)?, Stack::forward).on(half)?,
    ];
    for step in 0..=steps {
        for way in &mut ways {
            way.time(&bench, step)?;
        }
    }
    ways.iter_mut().for_each(|way| way.report(batch));
    Ok(())
}

/// What every network trains on.
struct Bench {
    images: Tensor,
    targets: Tensor,
}

/// A network with what its update needs.
struct Net {
    stack: Stack,
    parameters: Parameters,
    velocities: Vec<Var>,
}

type Forward = fn(&Stack, &Tensor, &Pass) -> candle_core::Result<Tensor>;

/// A way to run a step, with its times.
struct Way {
    name: &'static str,
    net: Net,
    forward: Forward,
    /// Where it takes other threads than there are.
    threads: Option<ThreadPool>,
    times: Vec<Duration>,
    exchanged: Option<Exchanged>,
}

impl Net {
    fn new(config: &AlexNet, input: [usize; 3], classes: usize) -> Result<Self> {
        let parameters = Parameters::new(Stream::new(0));
        let builder = parameters.builder(DType::F32, &Device::Cpu);
        let stack = ablate_alexnet::net::layers(config, classes).build(input, &builder)?;
        let velocity = |p: &ablate_core::Parameter| Ok(Var::from_tensor(&p.var.zeros_like()?)?);
        let velocities = parameters
            .all()
            .iter()
            .map(velocity)
            .collect::<Result<_>>()?;
        Ok(Self {
            stack,
            parameters,
            velocities,
        })
    }

    fn step(&self, forward: Forward, bench: &Bench, step: usize) -> Result<()> {
        let all = self.parameters.all();
        let pass = Pass::train(Stream::new(2).at(step));
        let logits = forward(&self.stack, &bench.images, &pass)?;
        let loss = cross_entropy(&logits, &bench.targets)?;
        let gradients = Gradients::of(&loss, &pass, &all)?;
        for (parameter, velocity) in all.iter().zip(&self.velocities) {
            if let Some(gradient) = gradients.get(parameter) {
                sgd_paper(&parameter.var, velocity, gradient, 1e-4, 0.9, 5e-4)?;
            }
        }
        Ok(())
    }
}

impl Way {
    fn new(name: &'static str, net: Net, forward: Forward) -> Self {
        Self {
            name,
            net,
            forward,
            threads: None,
            times: Vec::new(),
            exchanged: None,
        }
    }

    /// On this many threads.
    fn on(mut self, threads: usize) -> Result<Self> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        self.threads = Some(pool.map_err(|problem| Error::Other(problem.to_string()))?);
        Ok(self)
    }

    fn time(&mut self, bench: &Bench, step: usize) -> Result<()> {
        let start = Instant::now();
        let run = || self.net.step(self.forward, bench, step);
        match &self.threads {
            Some(threads) => threads.install(run)?,
            None => run()?,
        }
        self.times.push(start.elapsed());
        self.exchanged = self.net.stack.take_exchanged();
        Ok(())
    }

    fn report(&mut self, batch: usize) {
        // The first step allocates the buffers.
        self.times.remove(0);
        self.times.sort_unstable();
        let rate = |time: Duration| batch as f64 / time.as_secs_f64();
        let (best, median) = (self.times[0], self.times[self.times.len() / 2]);
        let (best, median) = (rate(best), rate(median));
        let parameters = self.net.parameters.count();
        println!(
            "{:22} {best:>8.1} images/s, median {median:>8.1}; {parameters} parameters",
            self.name
        );
        if let Some(Exchanged { forward, backward }) = self.exchanged {
            let [forward, backward] = [forward, backward].map(|b| b as f64 / f64::from(1 << 20));
            println!(
                "{:22} exchanged a step: {forward:.2} MiB forward, {backward:.2} MiB backward",
                ""
            );
        }
    }
}
