//! The `clearspan` program: see `clearspan_server::cli`.

use std::ffi::{c_int, c_long};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number that mimalloc gives to its option `purge_delay`, and what that is unless someone has set it (milliseconds).
const PURGE_DELAY: (c_int, c_long) = (15, 1000);

/// How long it should be: a request is decoded into several times its size for some milliseconds, and a second of that is a
/// quarter of the memory that the server has under load. 50 ms take 45 MB more, and a tenth less time of processors.
const SHORT_DELAY: c_long = 10;

/// Lets the allocator give memory back soon after it is free.
#[expect(unsafe_code, reason = "mimalloc's options are plain C functions")]
fn return_memory_early() {
    unsafe extern "C" {
        fn mi_option_get(option: c_int) -> c_long;
        fn mi_option_set(option: c_int, value: c_long);
    }
    let (option, default) = PURGE_DELAY;
    // SAFETY: both take any number, are thread-safe, and are linked with the allocator above. Another default means
    // that options are counted differently, or that `MIMALLOC_PURGE_DELAY` is set: then nothing is changed.
    unsafe {
        if mi_option_get(option) == default {
            mi_option_set(option, SHORT_DELAY);
        }
    }
}

fn main() -> std::process::ExitCode {
    return_memory_early();
    clearspan_server::cli::run()
}
