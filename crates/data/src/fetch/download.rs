//! One HTTP download that can go on where an earlier one stopped.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use ablate_core::{Error, Result};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::{Progress, Published};

/// Completes `part`, from its end on where the server allows that.
///
/// # Errors
/// See [`fetch_cifar10`](super::fetch_cifar10).
pub(super) fn download(
    archive: &Published,
    url: &str,
    part: &Path,
    progress: Progress,
) -> Result<()> {
    let have = length(part)?;
    if have == archive.bytes {
        progress(have, archive.bytes);
        return Ok(());
    }
    if have > archive.bytes {
        let problem = format!("{} bytes expected at most, {have} found", archive.bytes);
        return Err(Error::bad_file(
            part,
            problem,
            "delete this file and fetch again",
        ));
    }
    let response = request(archive, url, have)?;
    let start = start(archive, url, have, &response)?;
    let mut file = open(part, start > 0)?;
    let chunks = pump(response.into_body());
    let done = receive(archive, url, start, &chunks, &mut file, part, progress);
    file.sync_all().map_err(Error::io(part))?;
    done
}

fn length(part: &Path) -> Result<u64> {
    match std::fs::metadata(part) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::io(part)(error)),
    }
}

fn open(part: &Path, append: bool) -> Result<File> {
    let mut options = OpenOptions::new();
    let options = if append {
        options.append(true)
    } else {
        options.write(true).truncate(true)
    };
    options.create(true).open(part).map_err(Error::io(part))
}

fn failed(url: &str, problem: impl std::fmt::Display, fix: &str) -> Error {
    Error::Other(format!("{url}: {problem}\n  fix: {fix}"))
}

/// Asks for the bytes from `have` on.
fn request(archive: &Published, url: &str, have: u64) -> Result<Response<Body>> {
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(archive.patience))
        .timeout_recv_response(Some(archive.patience))
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    request.call().map_err(|error| {
        failed(
            url,
            error,
            "check the network, or give another address (`--url`)",
        )
    })
}

/// The position of the answer's first byte: `have` if the server goes on from
/// there, 0 if it sends everything.
fn start(archive: &Published, url: &str, have: u64, response: &Response<Body>) -> Result<u64> {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let (start, total) = match response.status().as_u16() {
        200 => (
            0,
            header("content-length").and_then(|length| length.parse().ok()),
        ),
        206 => content_range(header("content-range").unwrap_or_default()).ok_or_else(|| {
            failed(
                url,
                "a partial answer that does not say which part",
                "give another address",
            )
        })?,
        _ => {
            let problem = format!("the server answered {}", response.status());
            return Err(failed(
                url,
                problem,
                "check the address, or give another one (`--url`)",
            ));
        }
    };
    if let Some(total) = total.filter(|&total| total != archive.bytes) {
        let problem = format!("{} bytes expected, {total} offered", archive.bytes);
        return Err(failed(
            url,
            problem,
            "give an address of the original archive (`--url`)",
        ));
    }
    if start != 0 && start != have {
        let problem = format!("bytes from {have} on were asked for, those from {start} on sent");
        return Err(failed(url, problem, "give another address (`--url`)"));
    }
    Ok(start)
}

/// First byte and length of the whole in `bytes 100-199/200`.
fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Reads a body on a thread of its own, so that a server that stalls can be
/// given up: a read from a socket cannot be interrupted.
fn pump(body: Body) -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(16);
    std::thread::spawn(move || {
        let mut reader = body.into_reader();
        loop {
            let mut chunk = vec![0; 1 << 16];
            let read = reader.read(&mut chunk).map(|read| {
                chunk.truncate(read);
                chunk
            });
            let is_last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
            // The receiver is gone once the download has been given up.
            if sender.send(read).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Writes what arrives until it is complete.
fn receive(
    archive: &Published,
    url: &str,
    start: u64,
    chunks: &Receiver<std::io::Result<Vec<u8>>>,
    file: &mut File,
    part: &Path,
    progress: Progress,
) -> Result<()> {
    let mut done = start;
    let cut_off = |done: u64, why: String| {
        let problem = format!("{done} of {} bytes arrived: {why}", archive.bytes);
        failed(url, problem, "fetch again; it goes on from there")
    };
    progress(done, archive.bytes);
    while done < archive.bytes {
        let chunk = match wait(chunks, archive.patience) {
            Ok(chunk) if chunk.is_empty() => {
                return Err(cut_off(done, "the server stopped".to_string()));
            }
            Ok(chunk) => chunk,
            Err(why) => return Err(cut_off(done, why)),
        };
        // A server may send more than it said; no more than the archive is kept.
        let wanted = chunk.len().min((archive.bytes - done) as usize);
        file.write_all(&chunk[..wanted]).map_err(Error::io(part))?;
        done += wanted as u64;
        progress(done, archive.bytes);
    }
    Ok(())
}

fn wait(
    chunks: &Receiver<std::io::Result<Vec<u8>>>,
    patience: Duration,
) -> Result<Vec<u8>, String> {
    match chunks.recv_timeout(patience) {
        Ok(chunk) => chunk.map_err(|error| error.to_string()),
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "nothing came for {} seconds",
            patience.as_secs_f64()
        )),
        Err(RecvTimeoutError::Disconnected) => Err("the connection ended".to_string()),
    }
}
