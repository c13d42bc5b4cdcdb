//! Named float32 tensors in the safetensors format, and whether they are those of
//! a network.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};

/// Misfits that one message lists; a file of another network has them all.
const SHOWN: usize = 12;

/// Every tensor of a file, in no order.
///
/// # Errors
/// What is wrong with the file, without its name.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(format!(
                "`{name}` is {:?} of shape {:?}, where F32 is wanted",
                view.dtype(),
                view.shape()
            ));
        }
        let words = view.data().as_chunks::<4>().0.iter();
        let values: Vec<f32> = words.map(|word| f32::from_le_bytes(*word)).collect();
        let tensor = Tensor::from_vec(values, view.shape(), &Device::Cpu);
        tensors.push((name, tensor.map_err(|error| error.to_string())?));
    }
    Ok(tensors)
}

/// Checks that `tensors` are those a network of `wanted` shapes asks for.
///
/// # Errors
/// Every one that is missing, unknown, of another shape, or not finite.
pub(crate) fn check(
    tensors: &HashMap<String, Tensor>,
    wanted: &BTreeMap<String, Vec<usize>>,
) -> Result<(), String> {
    let names: BTreeSet<&String> = tensors.keys().chain(wanted.keys()).collect();
    let problems: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (tensors.get(name), wanted.get(name)) {
            (None, Some(wanted)) => {
                Some(format!("`{name}` is missing, the network wants {wanted:?}"))
            }
            (Some(tensor), None) => Some(format!(
                "`{name}` of shape {:?} is unknown to the network",
                tensor.dims()
            )),
            (Some(tensor), Some(wanted)) if tensor.dims() != wanted.as_slice() => Some(format!(
                "`{name}` has shape {:?}, the network wants {wanted:?}",
                tensor.dims()
            )),
            (Some(tensor), _) if !is_finite(tensor) => {
                Some(format!("`{name}` has values that are not finite"))
            }
            _ => None,
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    let more = match problems.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    let shown = problems.iter().take(SHOWN);
    let lines: String = shown.map(|problem| format!("\n  {problem}")).collect();
    Err(format!("the tensors do not fit the network{lines}{more}"))
}

fn is_finite(tensor: &Tensor) -> bool {
    let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
    values.is_ok_and(|values| values.iter().all(|value| value.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(shape: &[usize]) -> Tensor {
        Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).expect("zeros")
    }

    /// A file whose header says this of its one tensor, with eight bytes behind it.
    fn file(dtype: &str, shape: &str, end: u64) -> Vec<u8> {
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#);
        let length = (header.len() as u64).to_le_bytes();
        [&length, header.as_bytes(), &[0; 8]].concat()
    }

    #[test]
    fn shapes_that_the_file_does_not_hold_are_refused() {
        assert_eq!(read(&file("F32", "[2]", 8)).expect("right").len(), 1);
        for (shape, end) in [
            ("[1099511627776]", 4 << 40),
            ("[1099511627776]", 8),
            ("[4294967296, 4294967296]", 8),
            ("[18446744073709551615, 2]", 8),
            ("[0, 18446744073709551615, 4294967296]", 8),
            ("[3]", 12),
        ] {
            assert!(read(&file("F32", shape, end)).is_err(), "{shape}, {end}");
        }
        for (dtype, shape) in [
            ("F64", "[1]"),
            ("F16", "[4]"),
            ("I32", "[2]"),
            ("U8", "[8]"),
        ] {
            let error = read(&file(dtype, shape, 8)).expect_err(dtype);
            assert!(
                error.contains("`w`") && error.contains("F32 is wanted"),
                "{error}"
            );
        }
    }

    #[test]
    fn every_misfit_is_listed_with_both_shapes() {
        let wanted = BTreeMap::from([
            ("gone".to_string(), vec![2]),
            ("kept".to_string(), vec![3, 2]),
            ("right".to_string(), vec![1]),
        ]);
        let mut tensors = HashMap::from([
            ("extra".to_string(), zeros(&[4])),
            ("kept".to_string(), zeros(&[2, 3])),
            ("right".to_string(), zeros(&[1])),
        ]);
        let message = check(&tensors, &wanted).expect_err("misfits");
        for part in [
            "`gone` is missing, the network wants [2]",
            "`kept` has shape [2, 3], the network wants [3, 2]",
            "`extra` of shape [4] is unknown",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("right"), "{message}");
        tensors.remove("extra");
        tensors.insert("gone".to_string(), zeros(&[2]));
        tensors.insert("kept".to_string(), zeros(&[3, 2]));
        assert_eq!(check(&tensors, &wanted), Ok(()));
        let nan = Tensor::new(&[f32::NAN], &Device::Cpu).expect("a tensor");
        tensors.insert("right".to_string(), nan);
        let message = check(&tensors, &wanted).expect_err("NaN");
        assert!(message.contains("`right` has values"), "{message}");
    }
}
