//! The two ways back through the chain: a tape where the parameters are variables,
//! candle's graph where other operations make them.

use std::collections::HashMap;

use ablate_core::{Pass, Result, Stream};
use ablate_ops::Activation;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;

use crate::networks::{Case, INPUT, LRN, build, images, results, typical};

#[test]
fn parameters_that_other_operations_make_get_the_same_gradients() -> Result<()> {
    let table = || typical(Activation::Relu, Some(LRN), 0.4);
    let noted = build("noted", table())?;
    let mut made = HashMap::new();
    for parameter in noted.parameters.all() {
        made.insert(parameter.name.clone(), (parameter.var.as_tensor() * 1.0)?);
    }
    let builder = VarBuilder::from_tensors(made, DType::F32, &Device::Cpu);
    let graph = Case {
        name: "graph".to_string(),
        stack: table().build(INPUT, &builder)?,
        parameters: noted.parameters.clone(),
    };
    let images = images(19, 1)?;
    let pass = || Pass::train(Stream::new(11));
    let wanted = results(&graph, &images, &pass(), true)?;
    assert_eq!(results(&noted, &images, &pass(), false)?, wanted);
    Ok(())
}
