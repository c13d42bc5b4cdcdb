//! What a trial's loader and its training steps reach, as a table for people.

use ablate_runner::Loading;

/// A table of one row, so that several calls' rows fit together.
pub fn table(found: &Loading, threads: usize) -> String {
    let Loading {
        variant,
        data,
        model,
        batch_size,
        threads: loaders,
        loading,
        training,
        both,
        waiting,
    } = found;
    let share = 100.0 * waiting;
    format!(
        "{data}\n{model} ({variant}) in batches of {batch_size}; loader threads: {loaders}, \
         compute threads: {threads}. Images/s of each alone and of both together, and the part \
         of that time in which steps wait for their batch:\n\n\
         | network | loader alone | steps alone | both | waiting |\n\
         |---|---:|---:|---:|---:|\n\
         | {model} | {loading:.0} | {training:.0} | {both:.0} | {share:.1}% |\n"
    )
}
