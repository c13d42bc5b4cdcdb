//! The commands about stored trials: `ls`, `show`, `compare`, `rm`, `gc`.

#[path = "../program.rs"]
mod program;

mod fixture;
mod ls;
mod one;
mod removal;
