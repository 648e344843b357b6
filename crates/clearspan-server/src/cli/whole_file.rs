//! A file that gets its name when it is whole. Until then it lies beside it under a name that nobody else has, and goes when
//! it is dropped.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use uuid::Uuid;

/// What is being written.
pub(super) struct WholeFile {
    file: BufWriter<File>,
    /// Where it lies until it is whole; `None` for what is no file, such as `/dev/null`, and is written in place.
    temporary: Option<Temporary>,
    target: PathBuf,
}

impl WholeFile {
    /// Begins a file that will be called `target`. What is there stays until [`Self::finish`].
    pub(super) fn begin(target: &Path) -> anyhow::Result<Self> {
        // A link stays one: what it leads to is replaced.
        let target = std::fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let cannot = || format!("cannot write {}", target.display());
        if std::fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).with_context(cannot)?;
            return Ok(Self { file: BufWriter::new(file), temporary: None, target });
        }
        let name = target.file_name().with_context(cannot)?;
        let hidden = format!(".{}.{}.part", name.to_string_lossy(), Uuid::new_v4().as_simple());
        let path = target.with_file_name(hidden);
        let file = File::create_new(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: BufWriter::new(file), temporary: Some(Temporary(path)), target })
    }

    /// Gives the file its name; what had it is replaced.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", self.target.display());
        let file =
            self.file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
        if let Some(temporary) = self.temporary {
            file.sync_all().with_context(cannot)?;
            std::fs::rename(&temporary.0, &self.target).with_context(cannot)?;
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A file that is removed, unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It has gone where it was renamed. That it cannot be removed matters less than why it is not whole.
        let _removed = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_that_are_written_at_once_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("runs.part"), "of the user").unwrap();
        std::fs::write(path("runs.csv"), "older").unwrap();
        let outputs = ["runs.jsonl", "runs.csv", "runs.csv"];
        let mut files: Vec<WholeFile> =
            outputs.iter().map(|name| WholeFile::begin(&path(name)).unwrap()).collect();
        for (idx, file) in files.iter_mut().enumerate() {
            file.write_all(format!("file {idx}").as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read(path("runs.csv")).unwrap(), b"older");
        files.pop();
        files.into_iter().for_each(|file| file.finish().unwrap());
        assert_eq!(names(folder.path()), ["runs.csv", "runs.jsonl", "runs.part"]);
        assert_eq!(std::fs::read(path("runs.jsonl")).unwrap(), b"file 0");
        assert_eq!(std::fs::read(path("runs.csv")).unwrap(), b"file 1");
        assert_eq!(std::fs::read(path("runs.part")).unwrap(), b"of the user");
    }

    #[test]
    fn links_stay_and_devices_are_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (link, real) = (folder.path().join("link"), folder.path().join("real"));
        std::fs::write(&real, "older").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = WholeFile::begin(&link).unwrap();
        file.write_all(b"newer").unwrap();
        file.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"newer");
        assert!(WholeFile::begin(Path::new("/dev/null")).unwrap().temporary.is_none());
        assert!(WholeFile::begin(folder.path()).is_err());
        assert_eq!(names(folder.path()), ["link", "real"]);
    }
}
