//! Faults that a run store must outlive: kills at any moment, a full disk, a store
//! that cannot be written, damaged checkpoints, company, a clock that jumps.
#![cfg(target_os = "linux")]

#[path = "../program.rs"]
mod program;

mod clock;
mod damage;
mod disk;
mod kills;
mod locks;
mod moment;
mod together;
mod whole;
mod work;
