//! Settings: a flag wins over `CLEARSPAN_*`, which wins over `clearspan.toml`.
//!
//! [`RawSettings`] is the one table of settings: flag, variable, key of the file and manual. [`Settings`] is
//! the same, checked and complete. Nothing else reads the environment.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

mod bucket;
mod catalog;
mod memory;
mod redaction;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use catalog::{CATALOG_FILE, CatalogState};
pub(crate) use memory::MemoryShares;
pub(crate) use redaction::{RedactPattern, Redaction};
pub(crate) use values::{BindAddr, ByteSize, DiskPart, LogFormat, LowDisk, TimeSpan};

/// The file that is read when `--config` names none and it exists.
const DEFAULT_FILE: &str = "clearspan.toml";

/// Settings as they are given: everything may be missing.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSettings {
    /// The folder that holds all data; it is made when it is missing [default: clearspan-data]
    #[arg(long, env = "CLEARSPAN_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Where to listen for HTTP: the page, the API, OTLP [default: 127.0.0.1:4318]
    #[arg(long, env = "CLEARSPAN_HTTP", value_name = "ADDR")]
    pub(crate) http: Option<BindAddr>,

    /// Where to listen for OTLP over gRPC [default: 127.0.0.1:4317]
    #[arg(long, env = "CLEARSPAN_GRPC", value_name = "ADDR")]
    pub(crate) grpc: Option<BindAddr>,

    /// Keep segments in an object store, s3://bucket/prefix, and only the log and a cache in the data folder
    #[arg(long, env = "CLEARSPAN_OBJECT_STORE", value_name = "URL")]
    pub(crate) object_store: Option<String>,

    /// Where the object store speaks S3, when it is not AWS
    #[arg(long, env = "CLEARSPAN_S3_ENDPOINT", value_name = "URL")]
    pub(crate) s3_endpoint: Option<String>,

    /// The region of the object store
    #[arg(long, env = "CLEARSPAN_S3_REGION", value_name = "REGION")]
    pub(crate) s3_region: Option<String>,

    /// Local copies of what is in the object store take this much at most [default: 10GiB]
    #[arg(long, env = "CLEARSPAN_CACHE_SIZE", value_name = "SIZE")]
    pub(crate) cache_size: Option<ByteSize>,

    /// Memory for everything together; with less than 64MiB it is slow [default: a quarter of what the machine or container has]
    #[arg(long, env = "CLEARSPAN_MEMORY", value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,

    /// Memory for request bodies being read; beyond it clients are asked to come back [default: its share of --memory]
    #[arg(long, env = "CLEARSPAN_INFLIGHT", value_name = "SIZE")]
    pub(crate) inflight: Option<ByteSize>,

    /// Room on the disk that stays free: with less, nothing new is accepted [default: 5%,512MiB]
    #[arg(long, env = "CLEARSPAN_DISK_MIN_FREE", value_name = "PART")]
    pub(crate) disk_min_free: Option<DiskPart>,

    /// With less room than this, `/readyz` and the log warn [default: 10%,1GiB]
    #[arg(long, env = "CLEARSPAN_DISK_WARN_FREE", value_name = "PART")]
    pub(crate) disk_warn_free: Option<DiskPart>,

    /// What happens to new runs with less room than --disk-warn-free [default: keep]
    #[arg(long, env = "CLEARSPAN_DISK_LOW", value_name = "POLICY", value_enum)]
    pub(crate) disk_low: Option<LowDisk>,

    /// Connections that each port serves at once [default: 4096]
    #[arg(long, env = "CLEARSPAN_MAX_CONNECTIONS", value_name = "COUNT")]
    pub(crate) max_connections: Option<NonZeroU32>,

    /// Demand a key on loopback, too: for a server behind a proxy on the same machine [default: false]
    #[arg(long, env = "CLEARSPAN_REQUIRE_KEYS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
        require_equals = true)]
    pub(crate) require_keys: Option<bool>,

    /// Further host names under which browsers may open this server, besides localhost
    #[arg(long = "allow-host", env = "CLEARSPAN_ALLOW_HOSTS", value_name = "NAME", value_delimiter = ',')]
    pub(crate) allow_hosts: Option<Vec<String>>,

    /// What is taken out of texts before they are kept [default: off]
    #[arg(long, env = "CLEARSPAN_REDACT", value_name = "WHAT", value_enum)]
    pub(crate) redact: Option<Redaction>,

    /// A regular expression of what is taken out, too; may be given several times
    #[arg(long = "redact-pattern", env = "CLEARSPAN_REDACT_PATTERNS", value_name = "REGEX")]
    pub(crate) redact_patterns: Option<Vec<RedactPattern>>,

    /// How long what arrives late for something deleted is dropped [default: 30d]
    #[arg(long, env = "CLEARSPAN_REMEMBER_DELETED", value_name = "TIME")]
    pub(crate) remember_deleted: Option<TimeSpan>,

    /// What was deleted is gone from the disk within this time [default: 24h]
    #[arg(long, env = "CLEARSPAN_PURGE_WITHIN", value_name = "TIME")]
    pub(crate) purge_within: Option<TimeSpan>,

    /// How often everything on the disk is compared with its checksums; not done by itself for an object store [default: 7d]
    #[arg(long, env = "CLEARSPAN_SCRUB_EVERY", value_name = "TIME")]
    pub(crate) scrub_every: Option<TimeSpan>,

    /// How often the retention of projects is enforced [default: 10m]
    #[arg(long, env = "CLEARSPAN_UPKEEP_EVERY", value_name = "TIME")]
    pub(crate) upkeep_every: Option<TimeSpan>,

    /// How log lines look [default: text]
    #[arg(long, env = "CLEARSPAN_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

/// Settings that are checked and complete. No secret among them yet; one must be a type that prints nothing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) http: BindAddr,
    pub(crate) grpc: BindAddr,
    pub(crate) object_store: Option<String>,
    pub(crate) s3_endpoint: Option<String>,
    pub(crate) s3_region: Option<String>,
    pub(crate) cache_size: ByteSize,
    pub(crate) memory: ByteSize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inflight: Option<ByteSize>,
    pub(crate) disk_min_free: DiskPart,
    pub(crate) disk_warn_free: DiskPart,
    pub(crate) disk_low: LowDisk,
    pub(crate) max_connections: NonZeroU32,
    pub(crate) require_keys: bool,
    pub(crate) allow_hosts: Vec<String>,
    pub(crate) redact: Redaction,
    pub(crate) redact_patterns: Vec<RedactPattern>,
    pub(crate) remember_deleted: TimeSpan,
    pub(crate) purge_within: TimeSpan,
    pub(crate) scrub_every: TimeSpan,
    pub(crate) upkeep_every: TimeSpan,
    pub(crate) log_format: LogFormat,
}

impl RawSettings {
    /// Adds what the file says (`file`, else `clearspan.toml` where there is one) and checks everything.
    pub(crate) fn resolve(self, file: Option<&Path>) -> anyhow::Result<Settings> {
        let from_file = match file {
            Some(path) => Self::load(path)?,
            None if Path::new(DEFAULT_FILE).exists() => Self::load(Path::new(DEFAULT_FILE))?,
            None => Self::default(),
        };
        let settings = self.or(from_file).complete();
        memory::check(settings.memory)?;
        Ok(settings)
    }

    fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings file {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot use the settings file {}", path.display()))
    }

    fn or(self, weaker: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(weaker.data_dir),
            http: self.http.or(weaker.http),
            grpc: self.grpc.or(weaker.grpc),
            object_store: self.object_store.or(weaker.object_store),
            s3_endpoint: self.s3_endpoint.or(weaker.s3_endpoint),
            s3_region: self.s3_region.or(weaker.s3_region),
            cache_size: self.cache_size.or(weaker.cache_size),
            memory: self.memory.or(weaker.memory),
            inflight: self.inflight.or(weaker.inflight),
            disk_min_free: self.disk_min_free.or(weaker.disk_min_free),
            disk_warn_free: self.disk_warn_free.or(weaker.disk_warn_free),
            disk_low: self.disk_low.or(weaker.disk_low),
            max_connections: self.max_connections.or(weaker.max_connections),
            require_keys: self.require_keys.or(weaker.require_keys),
            allow_hosts: self.allow_hosts.or(weaker.allow_hosts),
            redact: self.redact.or(weaker.redact),
            redact_patterns: self.redact_patterns.or(weaker.redact_patterns),
            remember_deleted: self.remember_deleted.or(weaker.remember_deleted),
            purge_within: self.purge_within.or(weaker.purge_within),
            scrub_every: self.scrub_every.or(weaker.scrub_every),
            upkeep_every: self.upkeep_every.or(weaker.upkeep_every),
            log_format: self.log_format.or(weaker.log_format),
        }
    }

    fn complete(self) -> Settings {
        let allow_hosts = self.allow_hosts.unwrap_or_default();
        Settings {
            data_dir: self.data_dir.unwrap_or_else(|| PathBuf::from("clearspan-data")),
            http: self.http.unwrap_or(BindAddr::loopback(4318)),
            grpc: self.grpc.unwrap_or(BindAddr::loopback(4317)),
            object_store: self.object_store.filter(|url| !url.is_empty()),
            s3_endpoint: self.s3_endpoint.filter(|url| !url.is_empty()),
            s3_region: self.s3_region.filter(|region| !region.is_empty()),
            cache_size: self.cache_size.unwrap_or(ByteSize::mebibytes(10 << 10)),
            memory: self.memory.unwrap_or_else(memory::default_budget),
            inflight: self.inflight,
            disk_min_free: self.disk_min_free.unwrap_or(DiskPart::new(5, 512 << 20)),
            disk_warn_free: self.disk_warn_free.unwrap_or(DiskPart::new(10, 1 << 30)),
            disk_low: self.disk_low.unwrap_or_default(),
            max_connections: self.max_connections.unwrap_or(NonZeroU32::new(4096).expect("not zero")),
            require_keys: self.require_keys.unwrap_or(false),
            allow_hosts: allow_hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect(),
            redact: self.redact.unwrap_or_default(),
            redact_patterns: self.redact_patterns.unwrap_or_default(),
            remember_deleted: self.remember_deleted.unwrap_or(TimeSpan::days(30)),
            purge_within: self.purge_within.unwrap_or(TimeSpan::days(1)),
            scrub_every: self.scrub_every.unwrap_or(TimeSpan::days(7)),
            upkeep_every: self.upkeep_every.unwrap_or(TimeSpan::seconds(600)),
            log_format: self.log_format.unwrap_or_default(),
        }
    }
}

impl Settings {
    /// Whether callers must show a key: as soon as other machines can reach any port, or always where that is set.
    pub(crate) fn requires_keys(&self) -> bool {
        self.require_keys || self.is_open_to_others()
    }

    /// Why they must, in words.
    pub(crate) fn why_keys(&self) -> String {
        match self.is_open_to_others() {
            true => format!("other machines can reach {} or {}", self.http, self.grpc),
            false => "the setting require_keys is on".to_owned(),
        }
    }

    fn is_open_to_others(&self) -> bool {
        [self.http.addr(), self.grpc.addr()].iter().any(|addr| !is_loopback(addr))
    }

    /// What each part gets of the memory.
    pub(crate) fn memory_shares(&self) -> MemoryShares {
        MemoryShares::of(self.memory, self.inflight)
    }

    /// The settings as a file that `--config` would read.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        toml::to_string(self).context("cannot write the settings as TOML")
    }
}

fn is_loopback(addr: &SocketAddr) -> bool {
    match addr.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}
