//! `new`: a project with a plugin of one's own. It writes files that compile; what
//! they say is in `templates/`, which are compiled and tested as they stand.

mod name;
mod project;

use std::path::PathBuf;
use std::process::ExitCode;

use ablate_core::Kind;
use clap::ValueEnum;

use crate::workspace;
use name::Name;
use project::Project;

/// What `new` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask new model tiny_net                   the project tiny_net/, with a model
  cargo xtask new optimiser my_sgd --path ../sgd
  cd tiny_net && cargo test && cargo xtask run experiments/tiny_net.toml

docs/plugins.md goes through it.")]
pub struct Arguments {
    /// What the plugin is.
    #[arg(value_enum)]
    kind: Template,
    /// Its name in configs, and the project's: lower case, digits and `_`.
    name: String,
    /// The project's folder, which must not exist or be empty; without it, a new one
    /// of that name here.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// The kinds of plugin there are templates of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// A network from images to class scores.
    Model,
    /// A step between a stored image and the network.
    Augmentation,
    /// A rule from gradients to new weights.
    Optimiser,
    /// Labelled images.
    Dataset,
    /// The learning rate over time.
    Schedule,
    /// A score of predictions.
    Metric,
}

impl Template {
    fn kind(self) -> Kind {
        match self {
            Self::Model => Kind::Model,
            Self::Augmentation => Kind::Augmentation,
            Self::Optimiser => Kind::Optimiser,
            Self::Dataset => Kind::Dataset,
            Self::Schedule => Kind::Schedule,
            Self::Metric => Kind::Metric,
        }
    }

    /// The plugin's source, named `my_plugin` and `MyPlugin`.
    fn source(self) -> &'static str {
        match self {
            Self::Model => include_str!("../../templates/model.rs"),
            Self::Augmentation => include_str!("../../templates/augmentation.rs"),
            Self::Optimiser => include_str!("../../templates/optimiser.rs"),
            Self::Dataset => include_str!("../../templates/dataset.rs"),
            Self::Schedule => include_str!("../../templates/schedule.rs"),
            Self::Metric => include_str!("../../templates/metric.rs"),
        }
    }

    /// An experiment that tries it.
    fn experiment(self) -> &'static str {
        match self {
            Self::Model => include_str!("../../templates/model.toml"),
            Self::Augmentation => include_str!("../../templates/augmentation.toml"),
            Self::Optimiser => include_str!("../../templates/optimiser.toml"),
            Self::Dataset => include_str!("../../templates/dataset.toml"),
            Self::Schedule => include_str!("../../templates/schedule.toml"),
            Self::Metric => include_str!("../../templates/metric.toml"),
        }
    }
}

/// Writes the project and says what to do with it.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let template = arguments.kind;
    let name = Name::new(&arguments.name, template.kind(), template.source())?;
    let folder = arguments.path.clone();
    let folder = folder.unwrap_or_else(|| PathBuf::from(name.plugin()));
    Project::new(template.source(), template.experiment(), &name)?.write(&folder)?;
    let plugin = name.plugin();
    println!(
        "made {}, a project with the {} `{plugin}`:\n\
         \x20 src/lib.rs                    the plugin and its tests\n\
         \x20 src/main.rs                   the program that links it\n\
         \x20 experiments/{plugin}.toml     the experiment that tries it\n\
         next:\n\
         \x20 cd {}\n\
         \x20 cargo test --release\n\
         \x20 cargo xtask describe {plugin}\n\
         \x20 cargo xtask run experiments/{plugin}.toml\n\
         the guide: {}",
        folder.display(),
        template.kind(),
        folder.display(),
        workspace::source().join("docs/plugins.md").display(),
    );
    Ok(ExitCode::SUCCESS)
}
