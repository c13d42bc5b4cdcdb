//! The paper's network on two workers (section 3.2).

use ablate_alexnet::{AlexNet, Towers, net};
use ablate_core::{Exchanged, Gradients, ModelContext, Parameters, Pass, Result, Stream, registry};
use ablate_nn::Stack;
use ablate_ops::{cross_entropy, sgd_paper};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

use crate::images;

/// What some steps of training went through.
#[derive(PartialEq)]
struct Course {
    /// The logits of each step.
    logits: Vec<Vec<f32>>,
    /// The first step's gradients, in order of the parameters' names.
    gradients: Vec<Vec<f32>>,
    /// The parameters after the last step, in the same order.
    parameters: Vec<Vec<f32>>,
}

struct Net {
    stack: Stack,
    parameters: Parameters,
    input: [usize; 3],
    classes: usize,
}

impl Net {
    fn new(config: &AlexNet, input: [usize; 3], classes: usize) -> Result<Self> {
        let parameters = Parameters::new(Stream::new(5));
        let builder = parameters.builder(DType::F32, &Device::Cpu);
        Ok(Self {
            stack: net::layers(config, classes).build(input, &builder)?,
            parameters,
            input,
            classes,
        })
    }

    /// Trains some steps with a batch each.
    fn train(
        &self,
        forward: fn(&Stack, &Tensor, &Pass) -> candle_core::Result<Tensor>,
        [batch, steps]: [usize; 2],
    ) -> Result<Course> {
        let all = self.parameters.all();
        let velocities = all
            .iter()
            .map(|parameter| Ok(parameter.var.zeros_like()?))
            .collect::<Result<Vec<_>>>()?;
        let [c, h, w] = self.input;
        let targets: Vec<u32> = (0..batch).map(|i| (i * 7 % self.classes) as u32).collect();
        let targets = Tensor::new(targets, &Device::Cpu)?;
        let mut course = Course {
            logits: Vec::new(),
            gradients: Vec::new(),
            parameters: Vec::new(),
        };
        for step in 0..steps {
            let images = images(step, (batch, c, h, w))?;
            let pass = Pass::train(Stream::new(2).at(step));
            let logits = forward(&self.stack, &images, &pass)?;
            let gradients = Gradients::of(&cross_entropy(&logits, &targets)?, &pass, &all)?;
            course.logits.push(values_of(&logits)?);
            for (parameter, velocity) in all.iter().zip(&velocities) {
                let gradient = gradients.get(parameter).expect("every parameter matters");
                if step == 0 {
                    course.gradients.push(values_of(gradient)?);
                }
                sgd_paper(&parameter.var, velocity, gradient, 0.01, 0.9, 5e-4)?;
            }
        }
        for parameter in &all {
            course.parameters.push(values_of(&parameter.var)?);
        }
        Ok(course)
    }
}

fn values_of(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// The largest difference between `a` and `b`, and the largest value of `b`.
fn distance(a: &[f32], b: &[f32]) -> [f32; 2] {
    assert_eq!(a.len(), b.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| values.map(f32::abs).fold(0.0, f32::max);
    let difference = largest(&mut a.iter().zip(b).map(|(a, b)| a - b));
    [difference, largest(&mut b.iter().copied())]
}

/// Trains on one worker, on two, and as grouped convolutions of one network.
fn compare(config: &AlexNet, input: [usize; 3], classes: usize, size: [usize; 2]) -> Result<()> {
    let one = Net::new(config, input, classes)?.train(Stack::forward, size)?;
    let mut two = Net::new(config, input, classes)?;
    two.stack.place(2)?;
    assert!(
        two.train(Stack::forward, size)? == one,
        "the workers matter"
    );
    drop(two);
    let grouped = Net::new(config, input, classes)?;
    let names: Vec<_> = grouped.parameters.all();
    let expected = grouped.train(Stack::forward_undivided, size)?;
    assert!(one.logits[0] == expected.logits[0], "the first logits");
    for (found, expected) in one.logits.iter().zip(&expected.logits) {
        let [difference, largest] = distance(found, expected);
        assert!(difference <= 1e-5 * largest, "logits: {difference:.1e}");
    }
    for (i, name) in names.iter().map(|parameter| &parameter.name).enumerate() {
        let [difference, largest] = distance(&one.gradients[i], &expected.gradients[i]);
        assert!(
            difference <= 1e-5 * largest,
            "gradient of `{name}`: {difference:.1e} of {largest:.1e}"
        );
        // Not relative: where a rounding turns a ReLU on, biases that are still
        // close to zero go another way.
        let [difference, _] = distance(&one.parameters[i], &expected.parameters[i]);
        assert!(difference <= 1e-5, "`{name}`: {difference:.1e}");
    }
    Ok(())
}

fn separate() -> AlexNet {
    AlexNet {
        towers: Towers::Separate,
        ..AlexNet::default()
    }
}

#[test]
fn the_papers_network_trains_alike_on_two_workers() -> Result<()> {
    compare(&separate(), [3, 224, 224], 1000, [2, 2])
}

#[test]
fn a_scaled_network_trains_alike_on_two_workers() -> Result<()> {
    let config = json!({
        "width": 0.25, "towers": "separate", "stem": { "size": 5, "stride": 1, "padding": 2 },
    });
    let config: AlexNet = serde_json::from_value(config).expect("a config");
    compare(&config, [3, 32, 32], 10, [20, 4])
}

#[test]
fn the_bytes_are_those_of_section_3_2() -> Result<()> {
    // Layers of the paper's sizes that see both towers: conv3, fc6, fc7, fc8;
    // and half of the logits, for the loss.
    let (input, batch) = ([3, 224, 224], 1);
    let mut net = Net::new(&separate(), input, 1000)?;
    net.stack.place(2)?;
    net.train(Stack::forward, [batch, 1])?;
    let values = 256 * 13 * 13 + 256 * 6 * 6 + 4096 + 4096 + 500;
    let bytes = (4 * batch * values) as u64;
    let expected = Exchanged {
        forward: bytes,
        backward: bytes,
    };
    assert_eq!(net.stack.take_exchanged(), Some(expected));
    Ok(())
}

#[test]
fn two_workers_need_separate_towers() -> Result<()> {
    for (config, workers, key) in [
        (json!({}), 2, "towers"),
        (json!({ "lrn": { "enabled": false } }), 2, "towers"),
        (json!({ "gpus": 1, "towers": "separate" }), 2, "gpus"),
        (json!({ "towers": "separate" }), 3, "gpus"),
    ] {
        let cx = ModelContext {
            input: [3, 224, 224],
            classes: 10,
            parameters: candle_nn::VarBuilder::zeros(DType::F32, &Device::Cpu),
        };
        let mut model = registry::model("alexnet", &config, &cx)?;
        let error = model.place(workers).expect_err("refused").to_string();
        assert!(error.starts_with(&format!("`{key}`")), "{error}");
        model.place(1)?;
    }
    Ok(())
}
