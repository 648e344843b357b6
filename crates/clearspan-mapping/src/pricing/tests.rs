use super::*;

mod cost;
mod names;
mod overrides;

const NOVEMBER_2026: UnixNanos = UnixNanos::from_nanos(1_794_000_000_000_000_000);
