//! How SQLite is told to open a file for a look only.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The address of a file. One that nobody has open is said not to change: otherwise even somebody who only reads would
/// make SQLite's two files beside it and leave them there.
pub(super) fn uri(path: &Path) -> String {
    let mut uri = if path.is_absolute() { "file://" } else { "file:" }.to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    uri.push_str(if Path::new(&wal).exists() { "?mode=ro" } else { "?mode=ro&immutable=1" });
    uri
}
