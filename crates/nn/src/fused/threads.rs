//! Where the threads are put to work.

use ablate_ops::Split;

/// How the tasks of a batch use the threads. The choice changes no bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads {
    /// Whether layers are split among threads within each task, because there are more
    /// threads than tasks. Otherwise each task keeps to one thread: its values stay in
    /// that core's cache, and nobody waits.
    pub split: Split,
    /// Tasks that run at a time.
    pub lanes: usize,
}

impl Threads {
    /// The better way to run `tasks` tasks on the threads there are.
    pub fn over(tasks: usize) -> Self {
        let threads = rayon::current_num_threads();
        Self {
            split: match tasks < threads {
                true => Split::Threads,
                false => Split::Never,
            },
            lanes: tasks.min(threads),
        }
    }
}
