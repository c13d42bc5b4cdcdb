//! What a server answers to a download: nothing it says may do more than end it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ablate_data::fetch_cifar10;

use super::MIB;
use crate::engine::{Part, Target};
use crate::{scratch, text};

/// The archive's bytes, as its authors publish it.
const BYTES: usize = 170_052_171;

#[test]
fn download() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/set", listener.local_addr().expect("an address"));
    let answer = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bytes = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // The reader may have hung up on it.
            let _ = tell(stream, &bytes);
        }
    });
    let folder = scratch::folder();
    let part = folder.path().join("cifar-10-binary.tar.gz.part");
    let (whole, rest) = (
        format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\nfirst"),
        format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\n\
             Content-Range: bytes 5-{}/{BYTES}\r\nConnection: close\r\n\r\nsecond",
            BYTES - 5,
            BYTES - 1,
        ),
    );
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n";
    let named = |name, seeds| Part {
        name,
        seeds,
        change: text::text,
    };
    let target = Target {
        name: "download",
        parts: vec![
            named("whole", vec![whole.into(), chunked.into()]),
            named("rest", vec![rest.into()]),
        ],
        memory: 64 * MIB,
        share: 0.1,
    };
    target.run(|name, input| {
        *answer.lock().unwrap_or_else(PoisonError::into_inner) = input.to_vec();
        let there = if name == "rest" { "first" } else { "" };
        std::fs::write(&part, there).expect("writable");
        let error = fetch_cifar10(folder.path(), Some(&url), &mut |_, _| ());
        let error = error.expect_err("no input is as long").to_string();
        assert_kept(&part, input.len());
        // What arrived was taken, and there was no more.
        match error.contains(" bytes arrived: ") {
            true => Ok(()),
            false => Err(error.replace(&url, "")),
        }
    });
}

fn tell(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut asked = Vec::new();
    let mut piece = [0; 1024];
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => break,
            read => asked.extend_from_slice(&piece[..read]),
        }
    }
    stream.write_all(bytes)
}

/// No more is kept than was sent, and nothing lies beside it.
fn assert_kept(part: &Path, sent: usize) {
    let kept = std::fs::metadata(part).expect("there").len() as usize;
    assert!(kept <= "first".len() + sent, "{kept} bytes of {sent}");
    let folder = part.parent().expect("it lies in a folder");
    assert_eq!(std::fs::read_dir(folder).expect("readable").count(), 1);
}
