//! Convolution against results of PyTorch, where the reference files are at hand.

use std::path::Path;

use ablate_ops::{Conv2dConfig, conv2d};
use candle_core::{Device, Result, Tensor, Var};

/// The L2 norm of the difference over that of the reference.
fn relative_error(found: &Tensor, wanted: &Tensor) -> Result<f32> {
    let norm = |tensor: Tensor| tensor.sqr()?.sum_all()?.to_scalar::<f32>();
    Ok((norm((found - wanted)?)? / norm(wanted.clone())?).sqrt())
}

fn check(path: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)?;
    let metadata = header
        .metadata()
        .clone()
        .ok_or("the file has no metadata")?;
    let attrs: serde_json::Value = serde_json::from_str(&metadata["attrs"])?;
    let attr = |name: &str| {
        attrs[name]
            .as_u64()
            .map(|value| value as usize)
            .ok_or("no attribute")
    };
    let config = Conv2dConfig {
        stride: [attr("stride")?; 2],
        padding: [attr("padding")?; 2],
        groups: attr("groups")?,
        ..Conv2dConfig::default()
    };
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let variable = |name: &str| Var::from_tensor(&tensors[name]);
    let (x, w, bias) = (variable("input")?, variable("weight")?, variable("bias")?);
    let y = conv2d(&x, &w, Some(&bias), config)?;
    let gradients = (&y * &tensors["grad_output"])?.sum_all()?.backward()?;
    let gradient = |of: &Var| gradients.get(of).ok_or("a gradient is missing");
    for (name, found) in [
        ("output", &y),
        ("grad_input", gradient(&x)?),
        ("grad_weight", gradient(&w)?),
        ("grad_bias", gradient(&bias)?),
    ] {
        let error = relative_error(found, &tensors[name])?;
        assert!(
            error < 1e-4,
            "{name} of {}: relative error {error:e}",
            path.display()
        );
    }
    Ok(())
}

#[test]
fn agrees_with_pytorch() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/ops");
    let Ok(entries) = folder.read_dir() else {
        println!("skipped: no reference files in {}", folder.display());
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("conv2d-") && name.ends_with(".safetensors") {
            check(&path)?;
        }
    }
    Ok(())
}
