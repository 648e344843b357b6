//! The kinds of values that settings have.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address to listen on: `127.0.0.1:4318`, `[::]:4318` or `localhost:4318`. Port 0 takes any free port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BindAddr(SocketAddr);

impl BindAddr {
    pub(crate) const fn loopback(port: u16) -> Self {
        Self(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    pub(crate) const fn addr(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for BindAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Names are not resolved, so that an address always means the same; localhost is the exception.
        let resolved = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        resolved
            .parse()
            .map(Self)
            .map_err(|_| "not an address and port, for example 127.0.0.1:4318 or 0.0.0.0:4318".to_owned())
    }
}

impl fmt::Display for BindAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of bytes: `512MiB`, `1GiB`, `2TiB`, `64kB` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(u64);

/// Units and their factors; longer names first so that `B` does not hide them.
const UNITS: &[(&str, u64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
    ("", 1),
];

impl ByteSize {
    pub(crate) const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    pub(crate) const fn of_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        let (unit, factor) =
            UNITS.iter().find(|(unit, _)| text.ends_with(unit)).expect("the empty unit fits");
        let number = text.strip_suffix(unit).expect("it ends with the unit").trim();
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
        match size {
            Some(1..) => Ok(Self(size.expect("checked above"))),
            _ => Err(
                "not a size, for example 256MiB or 1GiB; units are B, kB, MB, GB, TB, kiB, MiB, GiB and TiB"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes.is_multiple_of(1 << 30) => write!(f, "{}GiB", bytes >> 30),
            bytes if bytes.is_multiple_of(1 << 20) => write!(f, "{}MiB", bytes >> 20),
            bytes => write!(f, "{bytes}B"),
        }
    }
}

/// A part of the disk: `5%`, `10GiB`, or `5%,512MiB` for the larger of both. `0` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskPart {
    percent: u8,
    bytes: u64,
}

impl DiskPart {
    pub(crate) const fn new(percent: u8, bytes: u64) -> Self {
        Self { percent, bytes }
    }

    pub(crate) const fn room(self) -> clearspan_store::native::Room {
        clearspan_store::native::Room { percent: self.percent, bytes: self.bytes }
    }
}

impl FromStr for DiskPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut part = Self::new(0, 0);
        for word in text.split(',').map(str::trim) {
            let percent = word.strip_suffix('%').map(|number| number.trim().parse::<u8>());
            match (percent, word.parse::<ByteSize>()) {
                (Some(Ok(percent @ 0..=90)), _) => part.percent = percent,
                (None, Ok(size)) => part.bytes = size.0,
                (None, Err(_)) if word == "0" => {}
                _ => {
                    return Err(
                        "not a part of the disk, for example 5%, 10GiB, or 5%,512MiB; 0 for none".to_owned()
                    );
                }
            }
        }
        Ok(part)
    }
}

impl fmt::Display for DiskPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.percent, self.bytes) {
            (0, 0) => f.write_str("0"),
            (0, bytes) => ByteSize(bytes).fmt(f),
            (percent, 0) => write!(f, "{percent}%"),
            (percent, bytes) => write!(f, "{percent}%,{}", ByteSize(bytes)),
        }
    }
}

/// A stretch of time: `90s`, `15m`, `24h`, `30d` or `2w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeSpan(u64);

/// Units and their seconds, the longest last.
const SPANS: &[(char, u64)] = &[('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

impl TimeSpan {
    pub(crate) const fn seconds(count: u64) -> Self {
        Self(count)
    }

    pub(crate) const fn days(count: u64) -> Self {
        Self(count * 86_400)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Nanoseconds, as many as fit.
    pub(crate) fn nanos(self) -> i64 {
        i64::try_from(self.duration().as_nanos()).unwrap_or(i64::MAX)
    }
}

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let span = SPANS.iter().find_map(|(unit, seconds)| {
            let number = text.strip_suffix(*unit)?.trim().parse::<u64>().ok()?;
            number.checked_mul(*seconds)
        });
        match span {
            Some(seconds @ 1..) => Ok(Self(seconds)),
            _ => Err("not a stretch of time, for example 90s, 15m, 24h or 30d".to_owned()),
        }
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not weeks: `30d` reads better than `14d` written as `2w` now and then.
        let mut fitting =
            SPANS.iter().rev().filter(|(unit, seconds)| *unit != 'w' && self.0.is_multiple_of(*seconds));
        let (unit, seconds) = fitting.next().expect("seconds always fit");
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What happens to new runs while there is less room on the disk than `--disk-warn-free`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LowDisk {
    /// They are kept whole.
    #[default]
    Keep,
    /// They are kept without what was said: inputs, outputs, attributes and events.
    ShedPayloads,
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(BindAddr, ByteSize, DiskPart, TimeSpan);
