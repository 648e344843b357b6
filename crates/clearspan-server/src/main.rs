//! The `clearspan` program: see `clearspan_server::cli`.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    clearspan_server::cli::run()
}
