//! Ranks that are threads of one process, which hand each other values by channels.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::tree::{add_up, share};
use crate::{Error, Group, Result};

/// What goes from one rank to another.
enum Letter {
    Told(Vec<u8>),
    Reported(Vec<u8>),
    /// The values the receiver adds up.
    Terms(Vec<f32>),
    /// What the sender has added up.
    Sum(Arc<Vec<f32>>),
}

/// A rank among threads. Each pair has a channel each way; its end is noticed when
/// a rank is dropped.
struct Thread {
    rank: usize,
    /// By rank; to itself too, which is not used.
    to: Vec<Sender<Letter>>,
    from: Vec<Mutex<Receiver<Letter>>>,
}

/// The ranks `0..size` of a new group, each to be moved to a thread of its own.
pub fn threads(size: usize) -> Vec<Box<dyn Group>> {
    let thread = |(rank, (to, from)): (usize, Ends<Letter>)| {
        let from = from.into_iter().map(Mutex::new).collect();
        Box::new(Thread { rank, to, from }) as Box<dyn Group>
    };
    channels(size).into_iter().enumerate().map(thread).collect()
}

/// A rank's ends of its channels to each rank and from each, by rank.
pub(crate) type Ends<T> = (Vec<Sender<T>>, Vec<Receiver<T>>);

/// A channel from every rank to every other, and to itself.
pub(crate) fn channels<T>(size: usize) -> Vec<Ends<T>> {
    let mut ends: Vec<Ends<T>> = (0..size).map(|_| Default::default()).collect();
    for from in 0..size {
        for to in 0..size {
            let (sender, receiver) = channel();
            ends[from].0.push(sender);
            ends[to].1.push(receiver);
        }
    }
    ends
}

impl Thread {
    fn send(&self, to: usize, letter: Letter) -> Result<()> {
        self.to[to].send(letter).map_err(|_| Error::Gone(to))
    }

    fn receive(&self, from: usize) -> Result<Letter> {
        let receiver = self.from[from].lock();
        let receiver = receiver.unwrap_or_else(PoisonError::into_inner);
        receiver.recv().map_err(|_| Error::Gone(from))
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let rank = self.rank;
        (0..self.to.len()).filter(move |other| *other != rank)
    }

    /// The values each rank wants added up here, in order of rank.
    fn terms(&self, own: &[f32]) -> Result<Vec<Vec<f32>>> {
        let mut terms = Vec::with_capacity(self.to.len());
        for rank in 0..self.to.len() {
            if rank == self.rank {
                terms.push(own.to_vec());
                continue;
            }
            match self.receive(rank)? {
                Letter::Terms(values) if values.len() == own.len() => terms.push(values),
                _ => return Err(not_as_many(rank)),
            }
        }
        Ok(terms)
    }
}

/// A rank that adds up more values than this one, or fewer, or does something else.
fn not_as_many(rank: usize) -> Error {
    let wanted = "adding up as many values";
    Error::OutOfStep { rank, wanted }
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "thread {} of {}", self.rank, self.to.len())
    }
}

impl Group for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn tell(&self, message: Vec<u8>) -> Result<()> {
        for rank in self.others() {
            self.send(rank, Letter::Told(message.clone()))?;
        }
        Ok(())
    }

    fn hear(&self) -> Result<Vec<u8>> {
        match self.receive(0)? {
            Letter::Told(message) => Ok(message),
            _ => Err(Error::OutOfStep {
                rank: 0,
                wanted: "telling what comes next",
            }),
        }
    }

    fn report(&self, message: Vec<u8>) -> Result<()> {
        self.send(0, Letter::Reported(message))
    }

    fn reports(&self) -> Result<Vec<Vec<u8>>> {
        let report = |rank| match self.receive(rank)? {
            Letter::Reported(message) => Ok(message),
            _ => Err(Error::OutOfStep {
                rank,
                wanted: "reporting",
            }),
        };
        self.others().map(report).collect()
    }

    fn sum(&self, mut values: Vec<f32>) -> Result<Vec<f32>> {
        let (len, size) = (values.len(), self.size());
        for rank in self.others() {
            let terms = values[share(len, size, rank)].to_vec();
            self.send(rank, Letter::Terms(terms))?;
        }
        let own = share(len, size, self.rank);
        let terms = self.terms(&values[own.clone()])?;
        let terms: Vec<&[f32]> = terms.iter().map(Vec::as_slice).collect();
        add_up(&terms, &mut values[own.clone()]);
        let sum = Arc::new(values[own].to_vec());
        for rank in self.others() {
            self.send(rank, Letter::Sum(Arc::clone(&sum)))?;
        }
        for rank in self.others() {
            let place = &mut values[share(len, size, rank)];
            match self.receive(rank)? {
                Letter::Sum(sum) if sum.len() == place.len() => place.copy_from_slice(&sum),
                _ => return Err(not_as_many(rank)),
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `work` returns on every rank, in order of rank.
    fn on_ranks<R: Send>(size: usize, work: impl Fn(&dyn Group) -> R + Sync) -> Vec<R> {
        let work = &work;
        std::thread::scope(|scope| {
            let ranks = threads(size).into_iter();
            let handles: Vec<_> = ranks
                .map(|group| scope.spawn(move || work(group.as_ref())))
                .collect();
            let results = handles.into_iter().map(|handle| handle.join());
            results.map(|result| result.expect("a rank")).collect()
        })
    }

    #[test]
    fn every_rank_has_the_same_sum() {
        for (size, len) in [(1, 5), (2, 0), (2, 1), (3, 2), (4, 1001), (5, 70_000)] {
            let value = |rank: usize, i: usize| (rank * 31 + i) as f32 / 3.0;
            let sums = on_ranks(size, |group| {
                let values = (0..len).map(|i| value(group.rank(), i)).collect();
                group.sum(values).expect("a sum")
            });
            let terms: Vec<Vec<f32>> = (0..size)
                .map(|rank| (0..len).map(|i| value(rank, i)).collect())
                .collect();
            let terms: Vec<&[f32]> = terms.iter().map(Vec::as_slice).collect();
            let mut wanted = vec![0.0; len];
            add_up(&terms, &mut wanted);
            assert!(sums.iter().all(|sum| *sum == wanted), "{size} ranks");
        }
    }

    #[test]
    fn messages_go_to_all_and_reports_come_in_order() {
        let heard = on_ranks(3, |group| {
            if group.rank() == 0 {
                group.tell(b"go".to_vec()).expect("told");
                return group.reports().expect("reports");
            }
            let heard = group.hear().expect("heard");
            group.report(vec![group.rank() as u8]).expect("reported");
            vec![heard]
        });
        assert_eq!(heard[0], [[1], [2]]);
        assert_eq!(heard[2], [b"go"]);
    }

    #[test]
    fn nobody_waits_for_a_rank_that_is_gone() {
        let ended = on_ranks(3, |group| match group.rank() {
            0 => group.reports().map(drop),
            1 => group.sum(vec![1.0; 10]).map(drop),
            _ => Ok(()),
        });
        // Which of the two it misses first is chance.
        assert!(matches!(ended[1], Err(Error::Gone(0 | 2))));
        assert!(matches!(ended[0], Err(Error::OutOfStep { rank: 1, .. })));
    }

    #[test]
    fn other_lengths_are_noticed() {
        let ended = on_ranks(2, |group| {
            group.sum(vec![1.0; 10 + 4 * group.rank()]).is_err()
        });
        assert!(ended.contains(&true), "{ended:?}");
    }
}
