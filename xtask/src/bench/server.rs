//! The server under test: a real process on a folder of its own, stopped and cleaned up when dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{http, median};

const START_LIMIT: Duration = Duration::from_secs(20);

pub(super) struct Server {
    child: Child,
    folder: PathBuf,
    /// Whether the folder stays.
    is_kept: bool,
    port: u16,
    /// From the start of the process until `/readyz` said yes.
    pub(super) ready_after: Duration,
}

impl Server {
    /// On an empty folder that goes with it.
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let name = format!("clearspan-bench-{}-{}", std::process::id(), http::free_port()?);
        Self::launch(binary, std::env::temp_dir().join(name), false)
    }

    /// On a folder that stays.
    pub(super) fn start_in(binary: &Path, folder: &Path) -> Result<Self> {
        Self::launch(binary, folder.to_owned(), true)
    }

    /// Stops in order, so that everything is in segments, and starts on the same folder.
    pub(super) fn restart(&mut self, binary: &Path) -> Result<()> {
        self.stop()?;
        // Nothing is left to remove for the one that goes.
        let folder = std::mem::take(&mut self.folder);
        *self = Self::launch(binary, folder, self.is_kept)?;
        Ok(())
    }

    fn launch(binary: &Path, folder: PathBuf, is_kept: bool) -> Result<Self> {
        let (port, grpc_port) = (http::free_port()?, http::free_port()?);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let log = std::fs::File::create(folder.join("server.log")).context("cannot create the log file")?;
        let begin = Instant::now();
        let child = Command::new(binary)
            .args(["serve", "--data-dir"])
            .arg(folder.join("data"))
            .args(["--http", &format!("127.0.0.1:{port}"), "--grpc", &format!("127.0.0.1:{grpc_port}")])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self { child, folder, is_kept, port, ready_after: Duration::ZERO };
        while !http::get(port, "/readyz").is_ok_and(|answer| answer.status == 200) {
            ensure!(begin.elapsed() < START_LIMIT, "the server was not ready in time:\n{}", server.log());
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", server.log());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A JSON answer.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = http::get(self.port, path)?;
        ensure!(
            answer.status == 200,
            "{path} answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body).with_context(|| format!("{path} answered no JSON"))
    }

    /// The status of an answer to a JSON body.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<u16> {
        Ok(http::post_json(self.port, path, body)?.status)
    }

    /// A JSON answer to a JSON body.
    pub(super) fn post_json(&self, path: &str, body: &str) -> Result<Value> {
        let answer = http::post_json(self.port, path, body)?;
        ensure!(
            answer.status == 200,
            "answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body).context("answered no JSON")
    }

    /// A path below the server's folder.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// How long an answer takes, the connection included.
    pub(super) fn millis(&self, path: &str) -> Result<f64> {
        let begin = Instant::now();
        let answer = http::get(self.port, path)?;
        let millis = begin.elapsed().as_secs_f64() * 1e3;
        ensure!(answer.status == 200, "{path} answered {}", answer.status);
        Ok(millis)
    }

    /// The same for an answer to a JSON body.
    pub(super) fn post_millis(&self, path: &str, body: &str) -> Result<f64> {
        let begin = Instant::now();
        self.post_json(path, body).with_context(|| format!("{path} {body}"))?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }

    /// The median of several such answers.
    pub(super) fn median_ms(&self, path: &str, times: usize) -> Result<f64> {
        let mut millis = Vec::new();
        for _ in 0..times {
            millis.push(self.millis(path)?);
        }
        Ok(median(&mut millis))
    }

    /// A line of `/proc/<pid>/status`: `VmRSS:` is the memory now, `VmHWM:` its peak.
    pub(super) fn memory_mb(&self, line: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path} (Linux only)"))?;
        let value = status.lines().find_map(|text| text.strip_prefix(line)).context("no such line")?;
        let kilobytes: f64 = value.trim().trim_end_matches("kB").trim().parse().context("not a number")?;
        Ok(kilobytes / 1024.0)
    }

    /// A line of `/metrics` without labels.
    pub(super) fn metric<T: FromStr>(&self, name: &str) -> Result<T> {
        let answer = http::get(self.port, "/metrics")?;
        let text = String::from_utf8_lossy(&answer.body);
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.with_context(|| format!("/metrics has no {name}, or not as such a number"))
    }

    /// How many files of a folder below the server's own have names that begin like this.
    pub(super) fn count_files(&self, folder: &str, prefix: &str) -> Result<usize> {
        let mut count = 0;
        for entry in std::fs::read_dir(self.folder.join(folder))? {
            let name = entry?.file_name();
            count += usize::from(name.to_string_lossy().starts_with(prefix));
        }
        Ok(count)
    }

    /// Everything in a folder below the server's own.
    pub(super) fn disk_bytes(&self, folder: &str) -> Result<u64> {
        size_of(&self.folder.join(folder))
    }

    /// Ends the process in order, so that what lies in the log becomes segments.
    pub(super) fn stop(&self) -> Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().context("cannot run kill")?;
        ensure!(status.success(), "cannot stop the server");
        let begin = Instant::now();
        let path = format!("/proc/{pid}/stat");
        // A process that ended and was not waited for yet is a zombie: state Z.
        while std::fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z ")) {
            ensure!(begin.elapsed() < START_LIMIT, "the server did not stop in time:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop, and a folder that stays is only untidy.
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if !self.is_kept {
            let _left = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn size_of(path: &Path) -> Result<u64> {
    let metadata =
        std::fs::symlink_metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        sum += size_of(&entry?.path())?;
    }
    Ok(sum)
}
