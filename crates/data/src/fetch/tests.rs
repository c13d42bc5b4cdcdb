//! Fetching from a server of our own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Honours ranges.
    Ranges,
    /// Sends everything, whatever was asked for.
    Whole,
    /// Announces everything and closes after so many bytes.
    CutAfter(usize),
    /// Sends so many bytes and then nothing, without closing.
    StallAfter(usize),
    /// Answers 404.
    Missing,
}

/// A server for one file, and the `Range` headers it was sent.
struct Server {
    url: String,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

fn serve(body: Vec<u8>, manner: Manner) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!(
        "http://{}/set.tar.gz",
        listener.local_addr().expect("an address")
    );
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = ranges.clone();
    // Ends with the test's process; each test has a server of its own.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let range = range_of(&stream);
            seen.lock().expect("no panic above").push(range.clone());
            answer(stream, &body, manner, range.as_deref());
        }
    });
    Server { url, ranges }
}

fn range_of(stream: &TcpStream) -> Option<String> {
    let mut range = None;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("range")
        {
            range = Some(value.to_string());
        }
    }
    range
}

fn answer(mut stream: TcpStream, body: &[u8], manner: Manner, range: Option<&str>) {
    let from = range
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let total = body.len();
    let head = |status: &str, length: usize, extra: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{extra}Connection: close\r\n\r\n")
    };
    let (head, sent) = match manner {
        Manner::Missing => (head("404 Not Found", 0, ""), 0..0),
        Manner::Ranges if from > 0 => {
            let extra = format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1);
            (
                head("206 Partial Content", total - from, &extra),
                from..total,
            )
        }
        Manner::Ranges | Manner::Whole => (head("200 OK", total, ""), 0..total),
        Manner::CutAfter(count) | Manner::StallAfter(count) => {
            (head("200 OK", total, ""), 0..count)
        }
    };
    // The client may hang up first; that is its right.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body[sent]);
    if matches!(manner, Manner::StallAfter(_)) {
        let _ = stream.read(&mut [0]);
    }
}

const CONTENTS: [(&str, &[u8]); 2] = [("one.bin", b"the first file"), ("two.bin", b"the second")];

/// A gzip-compressed tar with the wanted files and some that are not.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        // The builder refuses such a path; a hostile archive has it all the same.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes).expect("memory can be written");
    };
    add("../escaped.bin", b"outside");
    add("set/readme.html", b"not wanted");
    for (name, bytes) in CONTENTS {
        add(&format!("set/{name}"), bytes);
    }
    // Too random to compress, so that the archive has some length.
    let filler: Vec<u8> = (0..40_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    add("set/filler.bin", &filler);
    tar.into_inner()
        .and_then(GzEncoder::finish)
        .expect("memory can be written")
}

/// Runs `test` with the description of the archive and its bytes.
fn with_published(test: impl FnOnce(&Published, Vec<u8>, &Path)) {
    let bytes = archive();
    let (md5, digests) = (
        digest::md5(&bytes),
        CONTENTS.map(|(_, bytes)| digest::md5(bytes)),
    );
    let members = [(CONTENTS[0].0, &*digests[0]), (CONTENTS[1].0, &*digests[1])];
    let published = Published {
        name: "set.tar.gz",
        url: "http://127.0.0.1:9/",
        bytes: bytes.len() as u64,
        md5: &md5,
        folder: "set",
        members: &members,
        patience: Duration::from_secs(20),
    };
    let folder: TempDir = tempfile::tempdir().expect("a temporary folder");
    test(&published, bytes, &folder.path().join("data"));
}

fn fetch_from(published: &Published, server: &Server, into: &Path) -> Result<PathBuf> {
    fetch(published, into, Some(&server.url), &mut |_, _| {})
}

fn message(result: Result<PathBuf>) -> String {
    result.expect_err("the fetch must fail").to_string()
}

fn part(into: &Path) -> PathBuf {
    into.join("set.tar.gz.part")
}

#[test]
fn a_fetch_unpacks_the_wanted_files_alone_and_cleans_up() {
    with_published(|published, bytes, into| {
        let server = serve(bytes, Manner::Ranges);
        let mut reports = Vec::new();
        let folder = fetch(published, into, Some(&server.url), &mut |done, total| {
            reports.push((done, total));
        })
        .expect("the fetch succeeds");
        assert_eq!(folder, into.join("set"));
        let names = |folder: &Path| {
            let entries = std::fs::read_dir(folder).expect("a folder");
            let mut names: Vec<_> = entries
                .map(|entry| entry.expect("readable").file_name())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&folder), ["one.bin", "two.bin"]);
        assert_eq!(names(into), ["set"]);
        assert_eq!(names(into.parent().expect("a parent")), ["data"]);
        assert_eq!(
            std::fs::read(folder.join("one.bin")).expect("readable"),
            CONTENTS[0].1
        );
        assert_eq!(reports.first(), Some(&(0, published.bytes)));
        assert_eq!(reports.last(), Some(&(published.bytes, published.bytes)));

        let again = fetch_from(published, &serve(Vec::new(), Manner::Missing), into);
        assert_eq!(again.expect("it is there already"), folder);
    });
}

#[test]
fn a_cut_off_download_goes_on_where_it_stopped() {
    with_published(|published, bytes, into| {
        let error = message(fetch_from(
            published,
            &serve(bytes.clone(), Manner::CutAfter(1000)),
            into,
        ));
        assert!(
            error.contains("1000 of") && error.contains("fetch again"),
            "{error}"
        );
        assert_eq!(std::fs::read(part(into)).expect("kept"), bytes[..1000]);

        let server = serve(bytes, Manner::Ranges);
        fetch_from(published, &server, into).expect("the fetch goes on");
        assert_eq!(
            *server.ranges.lock().expect("no panic"),
            [Some("bytes=1000-".to_string())]
        );
    });
}

#[test]
fn a_server_without_ranges_starts_over() {
    with_published(|published, bytes, into| {
        std::fs::create_dir_all(into).expect("a folder");
        std::fs::write(part(into), b"something else").expect("writable");
        fetch_from(published, &serve(bytes, Manner::Whole), into).expect("the fetch succeeds");
    });
}

#[test]
fn a_wrong_digest_is_named_and_nothing_is_removed() {
    with_published(|published, mut bytes, into| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let error = message(fetch_from(
            published,
            &serve(bytes.clone(), Manner::Ranges),
            into,
        ));
        assert!(
            error.contains(published.md5) && error.contains(&digest::md5(&bytes)),
            "{error}"
        );
        assert!(error.contains("set.tar.gz.part"), "{error}");
        assert_eq!(std::fs::read(part(into)).expect("kept"), bytes);
        assert!(!into.join("set").exists());
    });
}

#[test]
fn refusals_and_other_archives_are_told_apart() {
    with_published(|published, mut bytes, into| {
        let error = message(fetch_from(
            published,
            &serve(Vec::new(), Manner::Missing),
            into,
        ));
        assert!(error.contains("404") && error.contains("--url"), "{error}");

        let length = bytes.len();
        bytes.pop();
        let error = message(fetch_from(published, &serve(bytes, Manner::Whole), into));
        assert!(
            error.contains(&format!("{length} bytes expected, {} offered", length - 1)),
            "{error}"
        );

        let error = message(fetch(published, into, None, &mut |_, _| {}));
        assert!(
            error.contains("http://127.0.0.1:9/") && error.contains("network"),
            "{error}"
        );
    });
}

#[test]
fn a_server_that_stalls_is_given_up() {
    with_published(|published, bytes, into| {
        let impatient = Published {
            patience: Duration::from_millis(300),
            ..*published
        };
        let error = message(fetch_from(
            &impatient,
            &serve(bytes, Manner::StallAfter(500)),
            into,
        ));
        assert!(
            error.contains("500 of") && error.contains("nothing came"),
            "{error}"
        );
    });
}

#[test]
fn what_is_there_is_not_overwritten() {
    with_published(|published, bytes, into| {
        let folder = into.join("set");
        std::fs::create_dir_all(&folder).expect("a folder");
        let server = serve(bytes, Manner::Ranges);
        let error = message(fetch_from(published, &server, into));
        assert!(
            error.contains("one.bin") && error.contains("--into"),
            "{error}"
        );
        std::fs::write(folder.join("one.bin"), b"mine").expect("writable");
        let error = message(fetch_from(published, &server, into));
        assert!(error.contains("not the published file"), "{error}");
        assert_eq!(
            std::fs::read(folder.join("one.bin")).expect("kept"),
            b"mine"
        );
        assert!(server.ranges.lock().expect("no panic").is_empty());
    });
}
