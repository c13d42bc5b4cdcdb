//! A thread of its own for a library whose handles may not leave the thread that made
//! them, so that a rank's hold on its group may be moved between threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

/// What a thread is asked, and what it answers, in this order.
type Line<Ask, Answer> = (Sender<Ask>, Receiver<Answer>);

/// The thread, which ends when this is dropped.
pub(crate) struct Worker<Ask, Answer> {
    /// `None` once the thread is to end.
    line: Mutex<Option<Line<Ask, Answer>>>,
    thread: Option<JoinHandle<()>>,
}

impl<Ask: Send + 'static, Answer: Send + 'static> Worker<Ask, Answer> {
    /// Starts a thread that answers what it is asked, until nobody asks any more.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(
        name: &str,
        work: impl FnOnce(&Receiver<Ask>, &Sender<Answer>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let ((ask, asked), (answer, answered)) = (channel(), channel());
        let thread = std::thread::Builder::new().name(name.to_string());
        let thread = thread.spawn(move || work(&asked, &answer))?;
        Ok(Self {
            line: Mutex::new(Some((ask, answered))),
            thread: Some(thread),
        })
    }

    /// The answer; `None` where the thread has ended.
    pub fn ask(&self, ask: Ask) -> Option<Answer> {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let (to, from) = line.as_ref()?;
        to.send(ask).ok()?;
        from.recv().ok()
    }
}

impl<Ask, Answer> Drop for Worker<Ask, Answer> {
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
        *line = None;
        if let Some(thread) = self.thread.take() {
            // Ends the library; a panic there was printed there.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_answers_until_it_ends() {
        let worker = Worker::start("twice", |asked: &Receiver<i32>, answer: &Sender<i32>| {
            for ask in asked.iter().take_while(|ask| *ask >= 0) {
                answer.send(2 * ask).expect("it is waited for");
            }
        });
        let worker = worker.expect("a thread");
        assert_eq!(worker.ask(21), Some(42));
        assert_eq!(worker.ask(0), Some(0));
        assert_eq!(worker.ask(-1), None);
        assert_eq!(worker.ask(1), None, "it has ended");
    }
}
