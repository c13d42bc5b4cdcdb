//! What `squeue` says of the tasks of an array.

use ablate_core::TaskState;

/// Reads lines of `TASK STATE`. What is no line of a task says nothing.
pub fn read(text: &str) -> Vec<(usize, TaskState)> {
    let line = |line: &str| {
        let (task, state) = line.trim().split_once(' ')?;
        Some((task.parse().ok()?, of(state.trim())))
    };
    text.lines().filter_map(line).collect()
}

/// A state by its long name (`man squeue`, job state codes).
fn of(name: &str) -> TaskState {
    match name {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED"
        | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => TaskState::Waiting,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "RESIZING"
        | "STAGE_OUT" => TaskState::Running,
        "CANCELLED" => TaskState::Cancelled,
        // COMPLETED, FAILED, TIMEOUT, NODE_FAIL, PREEMPTED, OUT_OF_MEMORY, ...
        _ => TaskState::Ended,
    }
}
