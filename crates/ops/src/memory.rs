//! Large buffers on large pages, and small ones kept for the next.

/// Bytes of freed memory that each of the allocator's arenas keeps.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 64 << 20;

/// Bytes below which the kernel's pages are good enough.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// Asks the operating system to put a buffer that has not been written yet on
/// large pages, and returns it.
///
/// The gradients of AlexNet's weights are 244 MB that are new in every step: in
/// pages of 4 KiB the first touch of each costs more than the step's update.
/// Where the system has no large pages or grants none, nothing changes.
pub fn on_large_pages<T>(buffer: Vec<T>) -> Vec<T> {
    #[cfg(target_os = "linux")]
    if buffer.capacity() * size_of::<T>() >= LARGE {
        advise(buffer.as_ptr().addr(), buffer.capacity() * size_of::<T>());
    }
    buffer
}

#[cfg(target_os = "linux")]
fn advise(address: usize, bytes: usize) {
    // Advice is about whole pages; 64 KiB are whole pages everywhere.
    const PAGE: usize = 64 << 10;
    let start = address.next_multiple_of(PAGE);
    let end = (address + bytes) / PAGE * PAGE;
    // SAFETY: the range lies within an allocation of ours, and this advice
    // changes no contents. A refusal is as good as none.
    unsafe {
        libc::madvise(
            std::ptr::with_exposed_provenance_mut(start),
            end - start,
            libc::MADV_HUGEPAGE,
        );
    }
}

/// Has the allocator keep memory that was freed for what is allocated next, up to 64 MiB
/// a thread; buffers of 4 MiB and more go back to the system as ever.
///
/// For a program to call once when it starts. glibc's allocator hands freed memory back
/// at the first chance, and every image that is loaded after another then touches new
/// pages again: a quarter of a loader's time, for which threads wait for each other
/// besides. Elsewhere than on Linux with glibc nothing changes.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls set two numbers of the allocator, under its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE as libc::c_int);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_stay() {
        for len in [0, 1, 1 << 20, (5 << 20) + 7] {
            let buffer = on_large_pages(vec![7u8; len]);
            assert!(buffer.len() == len && buffer.iter().all(|byte| *byte == 7));
            let zeros = on_large_pages(vec![0.0f32; len]);
            assert!(zeros.iter().all(|value| *value == 0.0));
        }
    }
}
