//! The `weir` command.

#[cfg(all(feature = "kafka", feature = "dynamodb"))]
mod backfill;
#[cfg(all(feature = "kafka", feature = "dynamodb"))]
mod brokers;
mod check;
#[cfg(feature = "local")]
mod cost;
mod explain;
mod input;
#[cfg(feature = "local")]
mod inspect;
#[cfg(feature = "sink")]
mod lake;
#[cfg(feature = "notify")]
mod notify;
#[cfg(feature = "local")]
mod pace;
#[cfg(feature = "local")]
mod poll;
#[cfg(feature = "local")]
mod prune;
#[cfg(feature = "local")]
mod redrive;
#[cfg(feature = "local")]
mod replay;
mod run;
#[cfg(feature = "local")]
mod simulate;
#[cfg(feature = "sink")]
mod sink;
#[cfg(feature = "local")]
mod socket;
mod sql;
#[cfg(all(feature = "kafka", feature = "dynamodb"))]
mod table;
#[cfg(feature = "local")]
mod target;
#[cfg(feature = "local")]
mod topics;
#[cfg(feature = "local")]
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// SQL views over event streams as serverless functions.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about)]
#[cfg_attr(feature = "local", command(args_conflicts_with_subcommands = true))]
struct Cli {
    #[cfg(feature = "local")]
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(feature = "local")]
    #[command(flatten)]
    up: up::Args,
    #[cfg(not(feature = "local"))]
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// A bare `weir` is `weir up`, where that is built in.
    fn command(self) -> Command {
        #[cfg(feature = "local")]
        return self.command.unwrap_or(Command::Up(self.up));
        #[cfg(not(feature = "local"))]
        return self.command;
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(all(feature = "kafka", feature = "dynamodb"))]
    Backfill(backfill::Args),
    Check(check::Args),
    #[cfg(feature = "sink")]
    Compact(lake::CompactArgs),
    #[cfg(feature = "local")]
    Cost(cost::Args),
    Explain(explain::Args),
    Run(run::Args),
    #[cfg(feature = "local")]
    Inspect(inspect::Args),
    #[cfg(feature = "notify")]
    Notify(notify::Args),
    #[cfg(feature = "sink")]
    Query(lake::QueryArgs),
    #[cfg(feature = "local")]
    Poll(poll::Args),
    #[cfg(feature = "local")]
    Prune(prune::Args),
    #[cfg(feature = "local")]
    Redrive(redrive::Args),
    #[cfg(feature = "local")]
    Replay(replay::Args),
    #[cfg(feature = "sink")]
    Schema(lake::SchemaArgs),
    #[cfg(feature = "local")]
    Simulate(simulate::Args),
    #[cfg(feature = "sink")]
    Sink(sink::Args),
    #[cfg(feature = "local")]
    Topics(topics::Args),
    #[cfg(feature = "local")]
    Up(up::Args),
}

/// Runs the command that the process's arguments name.
///
/// Ends with 0 where all went well, with 1 where the command failed, with 2 where it was not understood.
pub fn main() -> ExitCode {
    match run(Cli::parse().command()) {
        Ok(code) => code,
        // Whoever reads the output has seen enough (`| head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(all(feature = "kafka", feature = "dynamodb"))]
        Command::Backfill(args) => block_on(backfill::run(args)),
        Command::Check(args) => check::run(&args),
        #[cfg(feature = "sink")]
        Command::Compact(args) => block_on(lake::compact(args)),
        #[cfg(feature = "local")]
        Command::Cost(args) => cost::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Run(args) => run::run(&args),
        #[cfg(feature = "local")]
        Command::Inspect(args) => block_on(inspect::run(args)),
        #[cfg(feature = "notify")]
        Command::Notify(args) => block_on(notify::run(args)),
        #[cfg(feature = "sink")]
        Command::Query(args) => lake::query(&args),
        #[cfg(feature = "local")]
        Command::Poll(args) => block_on(poll::run(args)),
        #[cfg(feature = "local")]
        Command::Prune(args) => block_on(prune::run(args)),
        #[cfg(feature = "local")]
        Command::Redrive(args) => block_on(redrive::run(args)),
        #[cfg(feature = "local")]
        Command::Replay(args) => block_on(replay::run(args)),
        #[cfg(feature = "sink")]
        Command::Schema(args) => lake::schema(&args),
        #[cfg(feature = "local")]
        Command::Simulate(args) => block_on(simulate::run(args)),
        #[cfg(feature = "sink")]
        Command::Sink(args) => block_on(sink::run(args)),
        #[cfg(feature = "local")]
        Command::Topics(args) => block_on(topics::run(args)),
        #[cfg(feature = "local")]
        Command::Up(args) => block_on(up::run(args)),
    }
}

/// Several threads: connections must go on while a command reads a file.
#[cfg(any(all(feature = "kafka", feature = "dynamodb"), feature = "notify", feature = "sink"))]
fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    use anyhow::Context as _;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("failed to start the runtime")?.block_on(command)
}
