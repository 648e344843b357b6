//! Black-box tests: each starts the real binary on free ports and speaks to it as a client would.

mod api;
mod backup;
mod captures;
mod connection;
mod crash;
mod deletion;
mod disk;
mod explain;
mod hosts;
mod http_edges;
mod keys;
mod langsmith;
mod log_homes;
mod logs;
mod metrics;
mod odd_spans;
mod otlp_grpc;
mod otlp_http;
mod otlp_http_errors;
mod remap;
mod restart;
mod rules;
mod server;
mod spans;
mod sql;
mod telemetry;
