//! The command line. Stable: scripts rely on it.

mod backup;
mod client;
mod delete;
mod doctor;
mod export;
mod print;
mod relocate;
mod remap;
mod scrub;
mod sql;
mod whole_file;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use clearspan_catalog::{Catalog, KeyName, KeySecret, NewKey, ProjectName, SqliteCatalog};
use clearspan_store::native;

use crate::app::LostCatalog;
use crate::clock::Clock;
use crate::config::{CatalogState, RawSettings, Settings};
use crate::demo::{self, DemoArgs};
use crate::{app, telemetry};

/// See what your LLM application did, where it broke, and what it cost.
#[derive(Debug, Parser)]
#[command(name = "clearspan", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server (what happens without a command, too)
    Serve(ServeArgs),
    /// Make, list and revoke API keys
    Keys(KeysArgs),
    /// Send a realistic set of demo traces to a running server
    Demo(SendArgs),
    /// Map stored runs of a running server again, after rules changed
    Remap(remap::RemapArgs),
    /// Delete traces of a running server, or a whole project
    Delete(delete::DeleteArgs),
    /// Make a running server remove from its disk what was deleted, now
    Purge(delete::PurgeArgs),
    /// Make a running server compare everything that it has stored with its checksums, now
    Scrub(scrub::ScrubArgs),
    /// Copy the data folder, while a server may be running on it
    Backup(backup::BackupArgs),
    /// Put a backup back into an empty data folder
    Restore(backup::RestoreArgs),
    /// Bring what a stopped server's data folder keeps itself into an object store, or back
    Move(relocate::MoveArgs),
    /// Ask a running server in SQL
    Sql(sql::SqlArgs),
    /// Copy runs, log records or metric points of a running server into a file
    Export(export::ExportArgs),
    /// Check the settings, the data folder and the ports; fails when something would not work
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
struct SettingsArgs {
    #[command(flatten)]
    settings: RawSettings,
    /// A file with settings [default: clearspan.toml, where there is one]
    #[arg(long, env = "CLEARSPAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    /// Before that, take the catalog of a stopped server as it is, although it differs from its checksums: another program
    /// was meant to change it, or there is no backup
    #[arg(long)]
    accept_catalog: bool,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print the settings that would be used, and stop
    #[arg(long)]
    print_config: bool,
    /// Start although the catalog was lost, with an empty one: no project shows the runs that are there
    #[arg(long)]
    new_catalog: bool,
}

#[derive(Debug, Args)]
struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key; its secret is shown once
    Create {
        #[command(flatten)]
        settings: SettingsArgs,
        /// What to call it
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// The project of runs that name none
        #[arg(long)]
        project: Option<String>,
    },
    /// List keys, without their secrets
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Make a key useless
    Revoke {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The key's id, as `keys list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct SendArgs {
    /// The server to send to
    #[arg(long, env = "CLEARSPAN_ENDPOINT", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// The project that the traces go to
    #[arg(long, default_value = "demo")]
    project: String,
    /// A key, where the server demands one
    #[arg(long, env = "CLEARSPAN_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The same seed tells the same stories
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve(args),
        Command::Keys(args) => keys(args.command),
        Command::Demo(args) => send_demo(args),
        Command::Remap(args) => runtime().and_then(|runtime| runtime.block_on(remap::run(args))),
        Command::Delete(args) => runtime().and_then(|runtime| runtime.block_on(delete::run(args))),
        Command::Purge(args) => runtime().and_then(|runtime| runtime.block_on(delete::purge(args))),
        Command::Scrub(args) => runtime().and_then(|runtime| runtime.block_on(scrub::run(args))),
        Command::Backup(args) => backup::backup(args),
        Command::Restore(args) => backup::restore(args),
        Command::Move(args) => relocate::run(args),
        Command::Sql(args) => runtime().and_then(|runtime| runtime.block_on(sql::run(args))),
        Command::Export(args) => runtime().and_then(|runtime| runtime.block_on(export::run(args))),
        Command::Doctor(args) => {
            let accept = |settings: &Settings| match args.accept_catalog {
                true => doctor::accept_catalog(settings),
                false => Ok(()),
            };
            args.settings
                .resolve()
                .and_then(|settings| accept(&settings).and_then(|()| doctor::run(&settings, args.json)))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            print::note(format_args!("clearspan: {err:#}"));
            ExitCode::FAILURE
        }
    }
}

impl SettingsArgs {
    fn resolve(self) -> anyhow::Result<Settings> {
        self.settings.resolve(self.config.as_deref())
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let print = args.print_config;
    let if_lost = if args.new_catalog { LostCatalog::Replace } else { LostCatalog::Refuse };
    let settings = args.settings.resolve()?;
    if print {
        print::bytes(settings.to_toml()?.as_bytes())?;
        return Ok(());
    }
    telemetry::start_logging(settings.log_format);
    let runtime = runtime()?;
    let outcome = runtime.block_on(app::run(settings, if_lost));
    // Threads that still work (a batch on its way to the disk) get a moment; nobody waits for them longer.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    outcome
}

/// The catalog of a folder, which is made where it is missing.
fn make_catalog(settings: &Settings) -> anyhow::Result<SqliteCatalog> {
    std::fs::create_dir_all(&settings.data_dir)
        .with_context(|| format!("cannot make the data folder {}", settings.data_dir.display()))?;
    native::refuse_other_folder(&settings.data_dir)?;
    refuse_without_catalog(settings)?;
    Ok(SqliteCatalog::open(&settings.catalog_path())?)
}

/// The catalog of a folder that is there; `None` when it has none yet. Nothing is made.
fn find_catalog(
    settings: &Settings,
    open: fn(&Path) -> clearspan_catalog::Result<SqliteCatalog>,
) -> anyhow::Result<Option<SqliteCatalog>> {
    let dir = &settings.data_dir;
    if !dir.exists() {
        anyhow::bail!("the data folder {} does not exist; choose another with --data-dir", dir.display());
    }
    native::refuse_other_folder(dir)?;
    refuse_without_catalog(settings)?;
    if settings.has_catalog() {
        return Ok(Some(open(&settings.catalog_path())?));
    }
    print::note(format_args!("There is no catalog in {} yet, so there are no keys.", dir.display()));
    Ok(None)
}

/// Fails when there was a catalog that a new one would take the place of.
fn refuse_without_catalog(settings: &Settings) -> anyhow::Result<()> {
    match settings.catalog_state(None)? {
        CatalogState::Lost => anyhow::bail!(settings.lost_catalog()),
        // Nobody has used a folder without it.
        CatalogState::InBucket if settings.data_dir.join("runs").exists() => anyhow::bail!(
            "{} is missing or empty; start `clearspan serve` with the same object store first, which takes the copy there",
            settings.catalog_path().display()
        ),
        _ => Ok(()),
    }
}

fn keys(command: KeysCommand) -> anyhow::Result<()> {
    let now = Clock::default().now();
    match command {
        KeysCommand::Create { settings, name, project } => {
            let catalog = make_catalog(&settings.resolve()?)?;
            let secret = KeySecret::generate();
            let key = NewKey {
                workspace_id: catalog.default_workspace()?.id,
                name: KeyName::parse(&name)?,
                hash: secret.hash(),
                prefix: secret.visible_prefix(),
                default_project: project.as_deref().map(ProjectName::parse).transpose()?,
            };
            let key = catalog.create_key(key, now)?;
            print::note(format_args!("Key {} made. Keep its secret: it is not shown again.", key.id));
            if print::line(secret.reveal())? == print::Reader::Gone {
                anyhow::bail!(
                    "nobody read the secret; revoke the key with `clearspan keys revoke {}`",
                    key.id
                );
            }
        }
        KeysCommand::List { settings } => {
            let catalog = find_catalog(&settings.resolve()?, SqliteCatalog::open_to_look)?;
            let Some(catalog) = catalog else { return Ok(()) };
            for key in catalog.list_keys(catalog.default_workspace()?.id)? {
                let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
                print::line(format_args!("{}  {}…  {state}  {}", key.id, key.prefix, key.name.as_str()))?;
            }
        }
        KeysCommand::Revoke { settings, id } => {
            let catalog = find_catalog(&settings.resolve()?, SqliteCatalog::open)?;
            let id = id.parse().context("that is not the id of a key; `clearspan keys list` shows them")?;
            let revoke =
                |catalog: SqliteCatalog| catalog.revoke_key(catalog.default_workspace()?.id, id, now);
            if !catalog.map_or(Ok(false), revoke)? {
                anyhow::bail!("there is no active key {id}");
            }
            print::note(format_args!(
                "Key {id} revoked. A running server stops accepting it within 15 seconds."
            ));
        }
    }
    Ok(())
}

fn send_demo(args: SendArgs) -> anyhow::Result<()> {
    let SendArgs { endpoint, project, api_key, seed } = args;
    let page = endpoint.trim_end_matches('/').to_owned();
    let args = DemoArgs { endpoint, api_key, project, now: Clock::default().now(), seed };
    let report = runtime()?.block_on(demo::send(args))?;
    let (traces, project) = (report.trace_ids.len(), report.project);
    print::line(format_args!("Sent {traces} traces to project {project}. Look at this one first:"))?;
    print::line(format_args!("{page}/app/t/{}", report.featured_trace_id))?;
    Ok(())
}
