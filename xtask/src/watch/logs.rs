//! A log file a trial, `log.txt` in its folder: what the runner says of the trial
//! through `tracing`. What a person watches while it runs is the observers' work.

use std::cell::RefCell;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

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

thread_local! {
    /// The files of the trials that this thread is in, the innermost last.
    static FILES: RefCell<Vec<Arc<File>>> = const { RefCell::new(Vec::new()) };
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
        .event_format(Plain)
        .with_ansi(false)
        .with_writer(OwnFile);
    let screen = wish.map(|_| {
        shown::layer()
            .event_format(Plain)
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr)
    });
    let all = tracing_subscriber::registry().with(filter).with(Trials);
    // A program that logs in its own way has begun already, and keeps it.
    let _ = all.with(files).with(screen).try_init();
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
        let path = Path::new(&folder.0).join("log.txt");
        // Where it cannot be written the trial's own files will say so.
        let file = OpenOptions::new().create(true).append(true).open(path);
        if let (Ok(file), Some(span)) = (file, context.span(id)) {
            span.extensions_mut().insert(Arc::new(file));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(file) = file(id, &context) {
            FILES.with_borrow_mut(|files| files.push(file));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if file(id, &context).is_some() {
            FILES.with_borrow_mut(Vec::pop);
        }
    }
}

fn file<S: Subscriber + for<'a> LookupSpan<'a>>(
    id: &Id,
    context: &Context<'_, S>,
) -> Option<Arc<File>> {
    context.span(id)?.extensions().get::<Arc<File>>().cloned()
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
        Target(FILES.with_borrow(|files| files.last().cloned()))
    }
}

struct Target(Option<Arc<File>>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(file) => file.as_ref().write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `2026-11-25T07:30:00.123456Z  INFO epoch 3 of 7: ...`, the time in UTC.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
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
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:>5} ", event.metadata().level())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
