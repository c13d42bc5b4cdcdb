//! What `cargo xtask new` writes, as it stands: compiled, linted and tested here.

#[path = "../../xtask/templates/augmentation.rs"]
mod augmentation;
#[path = "../../xtask/templates/dataset.rs"]
mod dataset;
#[path = "../../xtask/templates/metric.rs"]
mod metric;
#[path = "../../xtask/templates/model.rs"]
mod model;
#[path = "../../xtask/templates/optimiser.rs"]
mod optimiser;
#[path = "../../xtask/templates/schedule.rs"]
mod schedule;
