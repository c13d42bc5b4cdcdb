//! Runs one input: catches a panic of any thread, and ends the process at an input
//! that takes too long or too much memory, with the input left in a file.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::{MEMORY, scratch};

/// The longest that an input may take, on a machine with other things to do.
const LONGEST: Duration = Duration::from_secs(30);

/// What became of an input.
#[derive(Debug)]
pub enum Verdict {
    /// The reader gave a value.
    Accepted,
    /// The reader gave an error.
    Refused(String),
    /// A thread panicked, at a place in the source.
    Panicked { place: String, file: PathBuf },
}

/// Where the last panic was, since [`catch`] began.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Targets share the allocator and the panic hook: one runs at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Holds the turn of a target.
pub struct Guard {
    target: &'static str,
    memory: usize,
    /// Where the input lies that is being read.
    folder: PathBuf,
    /// Where those lie that panicked.
    kept: PathBuf,
    /// Milliseconds since `start` when the current input began; 0 for none.
    begun: Arc<AtomicU64>,
    start: Instant,
    _turn: MutexGuard<'static, ()>,
}

impl Guard {
    /// Waits for the target's turn.
    pub fn new(target: &'static str, memory: usize) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        note_panics();
        let folder = scratch::place().join("ablate-fuzz");
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        for folder in [&folder, &kept] {
            fs::create_dir_all(folder).expect("writable");
        }
        let guard = Self {
            target,
            memory,
            folder,
            kept,
            begun: Arc::default(),
            start: Instant::now(),
            _turn: turn,
        };
        guard.watch();
        guard
    }

    /// Runs `read` on an input of a part.
    pub fn run(
        &mut self,
        part: &str,
        input: &[u8],
        read: impl FnOnce() -> Result<(), String>,
    ) -> Verdict {
        let file = self.folder.join(format!("{}.{part}.input", self.target));
        fs::write(&file, input).expect("writable");
        let now = self.start.elapsed().as_millis() as u64;
        self.begun.store(now.max(1), Ordering::Relaxed);
        // What the input takes is granted anew for each.
        let granted = MEMORY.allocated() + self.memory + 16 * input.len();
        MEMORY.set_limit(granted).expect("more than there is");
        let read = catch(read);
        MEMORY.set_limit(usize::MAX).expect("more than there is");
        self.begun.store(0, Ordering::Relaxed);
        match read {
            Ok(Ok(())) => Verdict::Accepted,
            Ok(Err(error)) => Verdict::Refused(error),
            Err(place) => {
                let at = place.replace(|c: char| !c.is_alphanumeric(), "_");
                let name = format!("{}.{part}.{at:.60}.input", self.target);
                let file = self.kept.join(name);
                fs::write(&file, input).expect("writable");
                Verdict::Panicked { place, file }
            }
        }
    }

    /// Ends the process when an input takes too long.
    fn watch(&self) {
        let (folder, target) = (self.folder.clone(), self.target);
        let (begun, start) = (Arc::downgrade(&self.begun), self.start);
        std::thread::spawn(move || {
            while let Some(begun) = begun.upgrade() {
                let begun = begun.load(Ordering::Relaxed);
                let took = (start.elapsed().as_millis() as u64).saturating_sub(begun);
                if begun > 0 && took > LONGEST.as_millis() as u64 {
                    // Past what the test harness would capture and lose.
                    let said = format!(
                        "{target}: an input takes more than {LONGEST:?}; it lies in {}\n",
                        folder.display()
                    );
                    let _ = std::io::stderr().write_all(said.as_bytes());
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever gets here was not ended by an input.
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let target = name.to_str().and_then(|name| name.split('.').next());
            if target == Some(self.target) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Runs `read`; a panic of any thread, even one that the program caught, is an error.
fn catch<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    last_panic().take();
    let read = catch_unwind(AssertUnwindSafe(read));
    match (last_panic().take(), read) {
        (None, Ok(value)) => Ok(value),
        (place, _) => Err(place.unwrap_or_default()),
    }
}

fn last_panic() -> MutexGuard<'static, Option<String>> {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has panics noted while an input is read; others are printed as ever.
fn note_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let printing = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if MEMORY.limit() == usize::MAX {
                return printing(panic);
            }
            let place = panic.location().map(ToString::to_string);
            let said = panic.payload_as_str().unwrap_or_default();
            last_panic().get_or_insert(format!("{}: {said}", place.unwrap_or_default()));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_in_any_thread_and_its_input_kept() {
        let mut guard = Guard::new("guard", 1 << 20);
        let caught = || {
            let thread = std::thread::spawn(|| panic!("in a thread"));
            thread
                .join()
                .map_err(|_| "the program carries on".to_string())
        };
        let readers: [fn() -> Result<(), String>; 2] = [|| panic!("at once"), caught];
        for (read, input) in readers.into_iter().zip([b"here".as_slice(), b"there"]) {
            let Verdict::Panicked { place, file } = guard.run("part", input, read) else {
                panic!("the panic is not found");
            };
            assert!(place.contains("guard.rs"), "{place}");
            assert_eq!(fs::read(&file).expect("kept"), input);
            fs::remove_file(file).expect("there");
        }
        let refused = guard.run("part", b"", || Err("no".to_string()));
        assert!(matches!(refused, Verdict::Refused(error) if error == "no"));
        assert!(matches!(
            guard.run("part", b"", || Ok(())),
            Verdict::Accepted
        ));
    }
}
