//! The commands about stored trials: `ls`, `show`, `compare`, `rm`, `gc`.

#[path = "../program.rs"]
mod program;

#[path = "../../crates/index/tests/index/fixture.rs"]
mod fixture;
mod ls;
mod one;
mod removal;
