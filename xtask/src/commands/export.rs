//! `export`: a trained network as one file that PyTorch loads.

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_report::number::count;
use ablate_runner::Network;

use crate::workspace;

/// What `export` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask export runs/crops/quick/centre-seed0-1a2b3c4d --out net.safetensors
  cargo xtask predict net.safetensors cat.jpg          needs no data set

In PyTorch:
  model.load_state_dict(safetensors.torch.load_file(\"net.safetensors\"))

docs/exchange.md has the names, the layouts, and what PyTorch's layers must be.")]
pub struct Arguments {
    /// A finished trial's folder in the run store, one of its checkpoint files, or a
    /// file of `export` or `import`. A trial needs the data it was trained on.
    #[arg(value_name = "TRIAL")]
    network: PathBuf,
    /// The file to write; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes the file.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let network = Network::open(&arguments.network, &[], &workspace::data_context())?;
    write(&network, &arguments.out)
}

/// Writes a network and says what it is.
pub fn write(network: &Network, out: &std::path::Path) -> anyhow::Result<ExitCode> {
    ablate_store::atomic::write(out, &network.to_bytes()?)?;
    println!(
        "{}: {}, {} parameters, {} classes ({})",
        out.display(),
        network.config().model.name,
        count(network.parameters()),
        network.classes().len(),
        network.origin()
    );
    Ok(ExitCode::SUCCESS)
}
