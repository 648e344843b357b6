//! Everything that runs: receivers, ingest, REST, the web UI, settings and the command line.
//!
//! A module imports only from its right:
//! `main > cli > app > {receivers, api, ui, demo} > context > ingest > {auth, redact, telemetry} > config > {clock, drain, error, multipart, task}`.
//! This crate knows nothing of the layout of files and holds no SQL.

mod api;
mod app;
mod attachments;
mod auth;
pub mod cli;
mod clock;
mod config;
mod context;
mod demo;
mod drain;
mod error;
mod ingest;
mod multipart;
mod receivers;
mod redact;
mod task;
mod telemetry;
mod ui;
mod upkeep;
