//! Ranks that are processes of an MPI world.
//!
//! The library is called from one thread alone, which begins and ends it: MPI then
//! needs no locks.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mpi::Count;
use mpi::Threading;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::tree::{add_up, share};
use crate::worker::Worker;
use crate::{Error, Group, Result};

/// Tags keep what is told and what is reported apart.
const TOLD: mpi::Tag = 1;
const REPORTED: mpi::Tag = 2;
/// How long a rank that waits looks without a break, and then how long it rests
/// between looks: MPI's own waiting would keep a core busy.
const EAGER: Duration = Duration::from_millis(2);
const REST: Duration = Duration::from_micros(200);
/// Bytes of one message; MPI counts in 32 bits.
const PIECE: usize = 1 << 30;

/// What the thread is asked to do, and does in this order.
enum Ask {
    Tell(Vec<u8>),
    Hear,
    Report(Vec<u8>),
    Reports,
    Sum(Vec<f32>),
}

/// What it answers.
enum Answer {
    Done,
    Bytes(Vec<u8>),
    All(Vec<Vec<u8>>),
    /// A sum, or why there is none.
    Values(Result<Vec<f32>>),
}

/// A process of an MPI world.
struct Process {
    rank: usize,
    size: usize,
    local_rank: usize,
    worker: Worker<Ask, Answer>,
}

/// This process's hold on the world that `mpirun` started it in: a world of one
/// where nothing did.
///
/// # Errors
/// The library cannot be begun, or was before.
pub fn world() -> Result<Box<dyn Group>> {
    let (begun, begins) = channel();
    let worker = Worker::start("mpi", move |asked, answer| {
        let Some((universe, granted)) = mpi::initialize_with_threading(Threading::Serialized)
        else {
            return;
        };
        // This thread is not the program's main one.
        if granted < Threading::Serialized {
            let _ = begun.send(Err(Error::Mpi(
                "the library allows calls from a program's main thread alone\n  fix: use one that \
                 was built with support for threads"
                    .to_string(),
            )));
            return;
        }
        let world = universe.world();
        // Whoever asked for the world is there: it waits for this.
        let local = world.split_shared(world.rank()).rank();
        let numbers = [world.rank(), world.size(), local].map(|number| number as usize);
        let _ = begun.send(Ok(numbers));
        serve(&world, asked, answer);
    });
    let worker = worker.map_err(|error| Error::Mpi(format!("no thread for it: {error}")))?;
    let begun = begins.recv();
    let [rank, size, local_rank] =
        begun.map_err(|_| Error::Mpi("it does not begin".to_string()))??;
    Ok(Box::new(Process {
        rank,
        size,
        local_rank,
        worker,
    }))
}

/// Does what is asked until nobody asks any more.
fn serve(world: &SimpleCommunicator, asked: &Receiver<Ask>, answer: &Sender<Answer>) {
    for ask in asked {
        let others = || (1..world.size()).map(|rank| world.process_at_rank(rank));
        let done = match ask {
            Ask::Tell(message) => {
                others().for_each(|to| send(&to, &message, TOLD));
                Answer::Done
            }
            Ask::Hear => Answer::Bytes(receive(&world.process_at_rank(0), TOLD)),
            Ask::Report(message) => {
                send(&world.process_at_rank(0), &message, REPORTED);
                Answer::Done
            }
            Ask::Reports => Answer::All(others().map(|from| receive(&from, REPORTED)).collect()),
            Ask::Sum(values) => Answer::Values(sum(world, values)),
        };
        if answer.send(done).is_err() {
            return;
        }
    }
}

/// Sends the length, then the bytes in pieces that MPI can count.
fn send(to: &impl Destination, message: &[u8], tag: mpi::Tag) {
    to.send_with_tag(&(message.len() as u64), tag);
    for piece in message.chunks(PIECE) {
        to.send_with_tag(piece, tag);
    }
}

fn receive(from: &impl Source, tag: mpi::Tag) -> Vec<u8> {
    wait_for(from, tag);
    let (len, _) = from.receive_with_tag::<u64>(tag);
    let mut message = vec![0; len as usize];
    for piece in message.chunks_mut(PIECE) {
        from.receive_into_with_tag(piece, tag);
    }
    message
}

/// Returns once a message is there.
fn wait_for(from: &impl Source, tag: mpi::Tag) {
    let begun = Instant::now();
    while from.immediate_probe_with_tag(tag).is_none() {
        match begun.elapsed() < EAGER {
            true => std::hint::spin_loop(),
            false => std::thread::sleep(REST),
        }
    }
}

/// The sum over all ranks, of which each adds up a share for all.
///
/// # Errors
/// They are more values than MPI counts: on every rank, so that none waits for another.
fn sum(world: &SimpleCommunicator, mut values: Vec<f32>) -> Result<Vec<f32>> {
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    let shares: Vec<_> = (0..size)
        .map(|rank| share(values.len(), size, rank))
        .collect();
    // No count and no place is more than this, whichever rank counts.
    let most = values.len().div_ceil(size) * size;
    if Count::try_from(most).is_err() {
        return Err(Error::Mpi(format!(
            "{most} values are more than it counts\n  fix: train a smaller network, or without ranks"
        )));
    }
    let counts: Vec<Count> = shares.iter().map(|share| share.len() as Count).collect();
    let starts: Vec<Count> = shares.iter().map(|share| share.start as Count).collect();
    let own = shares[rank].clone();
    let mut terms = vec![0.0f32; own.len() * size];
    let each = vec![own.len() as Count; size];
    let places: Vec<Count> = (0..size).map(|rank| (rank * own.len()) as Count).collect();
    {
        let from = Partition::new(&values[..], &counts[..], &starts[..]);
        let mut to = PartitionMut::new(&mut terms[..], each, places);
        world.all_to_all_varcount_into(&from, &mut to);
    }
    let mut sum = vec![0.0; own.len()];
    if !own.is_empty() {
        let terms: Vec<&[f32]> = terms.chunks_exact(own.len()).collect();
        add_up(&terms, &mut sum);
    }
    let mut to = PartitionMut::new(&mut values[..], counts, starts);
    world.all_gather_varcount_into(&sum[..], &mut to);
    Ok(values)
}

impl Process {
    /// Has the thread do something. MPI ends the process itself where that fails:
    /// `mpirun` then ends the others.
    fn ask(&self, ask: Ask) -> Result<Answer> {
        let ended = || Error::Mpi("its thread has ended".to_string());
        self.worker.ask(ask).ok_or_else(ended)
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "process {} of {}", self.rank, self.size)
    }
}

/// The error of an answer that is not to what was asked.
fn unexpected() -> Error {
    Error::Mpi("its thread answered something else".to_string())
}

impl Group for Process {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn local_rank(&self) -> usize {
        self.local_rank
    }

    fn tell(&self, message: Vec<u8>) -> Result<()> {
        self.ask(Ask::Tell(message)).map(drop)
    }

    fn hear(&self) -> Result<Vec<u8>> {
        match self.ask(Ask::Hear)? {
            Answer::Bytes(message) => Ok(message),
            _ => Err(unexpected()),
        }
    }

    fn report(&self, message: Vec<u8>) -> Result<()> {
        self.ask(Ask::Report(message)).map(drop)
    }

    fn reports(&self) -> Result<Vec<Vec<u8>>> {
        match self.ask(Ask::Reports)? {
            Answer::All(messages) => Ok(messages),
            _ => Err(unexpected()),
        }
    }

    fn sum(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        match self.ask(Ask::Sum(values))? {
            Answer::Values(values) => values,
            _ => Err(unexpected()),
        }
    }
}
