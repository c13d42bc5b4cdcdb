//! A log file a trial, `log.txt` in its folder: what the runner says of the trial
//! through `tracing`. The live view shows the newest lines of all trials; everything
//! else a person watches while they run is the observers' work.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt as shown};

/// The variable that sets how much is logged, as everywhere with `tracing`.
const VARIABLE: &str = "RUST_LOG";
/// What is logged without it.
const USUAL: &str = "info";
/// The span of a trial, and its field with the folder.
const SPAN: (&str, &str) = ("trial", "folder");

/// Lines that the live view can show.
const TAIL: usize = 200;

thread_local! {
    /// The logs of the trials that this thread is in, the innermost last.
    static LOGS: RefCell<Vec<Arc<Log>>> = const { RefCell::new(Vec::new()) };
}

/// A trial's log.
struct Log {
    file: File,
    /// The trial's variant and seed, as its folder's name has them.
    trial: String,
}

/// The newest lines of all trials; `None` where no view shows them.
static NEWEST: Mutex<Option<VecDeque<String>>> = Mutex::new(None);

/// Begins or ends to keep the newest lines for a live view. While they are kept,
/// nothing is written to standard error, which the view draws on.
pub fn keep_tail(keep: bool) {
    *newest() = keep.then(VecDeque::new);
}

/// The newest lines, oldest first.
pub fn tail() -> Vec<String> {
    newest().iter().flatten().cloned().collect()
}

/// Adds a line to what the live view shows.
pub fn tell(line: &str) {
    if let Some(lines) = newest().as_mut() {
        lines.push_back(line.to_string());
        if lines.len() > TAIL {
            lines.pop_front();
        }
    }
}

/// A thread that panicked has left the lines as they were.
fn newest() -> MutexGuard<'static, Option<VecDeque<String>>> {
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins logging. With `RUST_LOG` set, it decides the levels, and standard error
/// gets the lines too.
///
/// # Errors
/// `RUST_LOG` cannot be understood.
pub fn begin() -> anyhow::Result<()> {
    let wish = std::env::var(VARIABLE).ok().filter(|wish| !wish.is_empty());
    let filter = EnvFilter::builder()
        .parse(wish.as_deref().unwrap_or(USUAL))
        .with_context(|| {
            format!("{VARIABLE} cannot be understood\n  fix: set it to error, warn, info, debug or trace")
        })?;
    let files = shown::layer()
        .event_format(Lines::Whole)
        .with_ansi(false)
        .with_writer(OwnFile);
    let view = shown::layer()
        .event_format(Lines::Brief)
        .with_ansi(false)
        .with_writer(|| Newest);
    let screen = wish.map(|_| {
        shown::layer()
            .event_format(Lines::Whole)
            .with_ansi(io::stderr().is_terminal())
            .with_writer(Screen)
    });
    let all = tracing_subscriber::registry().with(filter).with(Trials);
    // A program that logs in its own way has begun already, and keeps it.
    let _ = all.with(files).with(view).with(screen).try_init();
    Ok(())
}

/// Opens the file of each trial's span, and knows which span a thread is in.
struct Trials;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Trials {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != SPAN.0 {
            return;
        }
        let mut folder = Folder(String::new());
        attributes.record(&mut folder);
        let folder = Path::new(&folder.0);
        // Where it cannot be written the trial's own files will say so.
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log.txt"));
        if let (Ok(file), Some(span)) = (file, context.span(id)) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let (trial, _hash) = name.rsplit_once('-').unwrap_or((&name, ""));
            let trial = trial.to_string();
            span.extensions_mut().insert(Arc::new(Log { file, trial }));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(log) = log(id, &context) {
            LOGS.with_borrow_mut(|logs| logs.push(log));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if log(id, &context).is_some() {
            LOGS.with_borrow_mut(Vec::pop);
        }
    }
}

fn log<S: Subscriber + for<'a> LookupSpan<'a>>(
    id: &Id,
    context: &Context<'_, S>,
) -> Option<Arc<Log>> {
    context.span(id)?.extensions().get::<Arc<Log>>().cloned()
}

/// The log of the trial that this thread is in.
fn innermost() -> Option<Arc<Log>> {
    LOGS.with_borrow(|logs| logs.last().cloned())
}

/// The field with a trial's folder.
struct Folder(String);

impl Visit for Folder {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == SPAN.1 {
            self.0 = format!("{value:?}");
        }
    }
}

/// Writes to the file of the trial that the thread is in; to nowhere outside one.
struct OwnFile;

impl<'a> MakeWriter<'a> for OwnFile {
    type Writer = Target;

    fn make_writer(&'a self) -> Target {
        Target(innermost())
    }
}

struct Target(Option<Arc<Log>>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(log) => (&log.file).write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a line looks.
enum Lines {
    /// `2026-11-25T07:30:00.123456Z  INFO epoch 3 of 7: ...`, the time in UTC.
    Whole,
    /// `07:30:00  INFO relu-seed2: epoch 3 of 7: ...`, the time of day in UTC.
    Brief,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let (time, log) = match self {
            Self::Whole => (&*time, None),
            Self::Brief => (time.get(11..19).unwrap_or(&time), innermost()),
        };
        write!(writer, "{time} {:>5} ", event.metadata().level())?;
        if let Some(log) = log {
            write!(writer, "{}: ", log.trial)?;
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Writes to standard error, unless a live view draws on it.
struct Screen;

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Box<dyn Write>;

    fn make_writer(&'a self) -> Self::Writer {
        match newest().is_some() {
            true => Box::new(io::sink()),
            false => Box::new(io::stderr()),
        }
    }
}

/// Writes to what the live view shows; a line at a time, as lines are logged.
struct Newest;

impl Write for Newest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tell(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
