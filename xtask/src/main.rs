//! Checks, code generation and release steps of this repository. Run `cargo xtask` for the list.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool for developers: it may ask the clock and the environment"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

mod absences;
mod bench;
mod prices;
mod tidy;

const USAGE: &str = "usage: cargo xtask COMMAND

  tidy              check sizes, module order and module docs (style.md sections 1, 3, 4)
  absences          check that crates do not depend on what they must not contain
  prices            write the built-in price list from the pinned packages (needs pip)
  prices --check    check that the committed price list is what the pinned packages give (needs pip)
  bench             measure the real binary: start, ingest, memory, disk, reads (bench --help for options)
  ci-static         tidy and absences: everything that needs no network";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let root = root();
    match args {
        ["tidy"] => tidy::check(&root),
        ["absences"] => absences::check(&root),
        ["prices"] => prices::write(&root),
        ["prices", "--check"] => prices::check(&root),
        ["bench", "--help"] => {
            eprintln!("{}", bench::USAGE);
            Ok(())
        }
        ["bench", rest @ ..] => bench::run(&root, rest),
        ["ci-static"] => tidy::check(&root).and_then(|()| absences::check(&root)),
        [] | ["help" | "--help"] => {
            eprintln!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown command \"{}\"\n\n{USAGE}", args.join(" ")),
    }
}

fn root() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "Cargo's own variable; one kept from compiling may be another clone's"
    )]
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("run it by `cargo xtask`");
    Path::new(&package).parent().expect("xtask lies in the workspace").to_owned()
}
