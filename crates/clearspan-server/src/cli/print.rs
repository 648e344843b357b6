//! Standard output of the commands. Its reader may go before everything is said (`| head`): that ends nothing in disorder.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anyhow::Context as _;

/// Whether somebody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Reads,
    /// What is printed from now on reaches nobody.
    Gone,
}

/// Prints bytes, at once.
pub(super) fn bytes(bytes: &[u8]) -> anyhow::Result<Reader> {
    write(&mut std::io::stdout().lock(), bytes).context("cannot write to standard output")
}

/// Prints a line.
pub(super) fn line(text: impl Display) -> anyhow::Result<Reader> {
    bytes(format!("{text}\n").as_bytes())
}

/// Tells a person something that is not the answer. Nothing is lost when nobody reads it.
pub(super) fn note(text: impl Display) {
    let _told = writeln!(std::io::stderr(), "{text}");
}

/// Writes all of it, unless the reader has gone.
pub(super) fn write(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<Reader> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Reads),
        Err(err) if err.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::pipe;

    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let (reader, mut writer) = pipe().unwrap();
        assert_eq!(write(&mut writer, b"a line\n").unwrap(), Reader::Reads);
        drop(reader);
        assert_eq!(write(&mut writer, b"a line\n").unwrap(), Reader::Gone);
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        assert!(write(&mut full, b"a line\n").is_err());
    }
}
