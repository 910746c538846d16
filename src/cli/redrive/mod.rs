//! `weir redrive`.

mod choose;
mod done;
mod failure;
mod letter;
mod pick;
mod send;
mod source;
mod survey;

use std::{
    io::{Write as _, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, ensure};
use indicatif::ProgressBar;

use self::{
    choose::{Chooser, Told},
    letter::Letter,
    pick::Pick,
    send::{Mode, Sender, progress_bar},
    source::Letters,
    survey::Survey,
};
use super::{
    brokers::BrokerArgs,
    input::Input,
    pace::{Pace, Schedule},
};
use crate::publish::{Topics as _, kafka::KafkaPublisher};

/// Send dead letters back to where they came from, once what was wrong is mended
///
/// Each goes to the topic that it was in, with its own key, value, headers and timestamp. The topic of the
/// letters notes which went: run twice, it sends nothing twice. Letters of one record are sent once. Late
/// events are left unless --late is given, since they would be late again: `weir backfill` counts those.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Args {
    /// The topic of the letters: that of window, or those of notify or sink
    #[arg(value_name = "TOPIC", env = "WEIR_DEAD_LETTER_TOPIC", default_value = "weir.dead_letters")]
    topic: String,
    #[command(flatten)]
    pick: Pick,
    /// Only show them
    #[arg(long, conflicts_with_all = ["dry_run", "rate"])]
    list: bool,
    /// How they are shown; json is a line each, as --file takes them
    #[arg(long, value_enum, default_value_t, requires = "list")]
    format: Format,
    /// Also show those that were sent back
    #[arg(long, requires = "list")]
    all: bool,
    /// Send the letters of a file, such as --list --format json made and you have mended, or what Lambda
    /// wrote to S3 of batches that it gave up, one a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    file: Option<PathBuf>,
    /// Only say what would be sent
    #[arg(long)]
    dry_run: bool,
    /// Note them as dealt with and send nothing
    #[arg(long, conflicts_with_all = ["list", "rate"])]
    discard: bool,
    /// Late events too: views that took them in count them twice, the others find them late again
    #[arg(long)]
    late: bool,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// So many a second
    #[arg(long, value_name = "N", value_parser = super::replay::positive)]
    rate: Option<f64>,
    #[command(flatten)]
    brokers: BrokerArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let kafka = args.brokers.publisher().await?;
    let partitions = kafka.partitions(&args.topic).await?;
    let partitions = partitions.ok_or_else(|| anyhow!("there is no topic {:?}", args.topic))?;
    let letters = Letters::open(args.brokers.settings().await?, &args.topic, partitions).await?;
    let chooser = Chooser {
        pick: args.pick.clone(),
        survey: Survey::of(&letters).await?,
        all: args.all,
        late: args.late || args.list || args.discard,
        limit: args.limit,
        told: Told::default(),
    };
    if args.list {
        list(args.format, &letters, chooser).await?;
    } else {
        redrive(&args, kafka, &letters, chooser).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(format: Format, letters: &Letters, mut chooser: Chooser) -> anyhow::Result<()> {
    letters
        .each(async |entry| {
            let Some(letter) = chooser.of_entry(entry) else { return Ok(()) };
            match format {
                Format::Text => write!(stdout(), "{}", letter.line())?,
                Format::Json => writeln!(stdout(), "{}", letter.json()?)?,
            }
            Ok(())
        })
        .await
}

async fn redrive(
    args: &Args,
    kafka: KafkaPublisher,
    letters: &Letters,
    mut chooser: Chooser,
) -> anyhow::Result<()> {
    let mode = match (args.dry_run, args.discard) {
        (true, _) => Mode::Dry,
        (_, true) => Mode::Discard,
        _ => Mode::Send,
    };
    let schedule = Schedule::new(args.rate.map_or(Pace::Full, Pace::Rate));
    let bar = progress_bar(if args.file.is_some() { 0 } else { letters.len() });
    let mut sender = Sender::new(kafka, args.topic.clone(), mode, schedule, bar.clone());
    if let Some(file) = &args.file {
        of_file(file, &args.topic, &mut chooser, &mut sender).await?;
    } else {
        letters
            .each(async |entry| {
                bar.inc(1);
                match chooser.of_entry(entry) {
                    Some(letter) => sender.push(letter).await,
                    None => Ok(()),
                }
            })
            .await?;
    }
    print!("{}{}", sender.finish().await?, chooser.told.left());
    Ok(())
}

async fn of_file(file: &Path, topic: &str, chooser: &mut Chooser, sender: &mut Sender) -> anyhow::Result<()> {
    let mut input = Input::open(file, &ProgressBar::hidden())?;
    while let Some((place, line)) = input.next_line()? {
        for letter in of_line(&line).with_context(|| place.clone())? {
            let spot = letter.spot.as_ref().filter(|spot| spot.topic != topic);
            ensure!(spot.is_none(), "{place}: it is a letter of another topic than {topic}: name that topic");
            if chooser.takes(&letter) {
                sender.push(letter).await?;
            }
        }
    }
    Ok(())
}

/// The letter of a line, or those of a batch that was given up.
fn of_line(line: &[u8]) -> anyhow::Result<Vec<Letter>> {
    match failure::letters(line)? {
        Some(letters) => Ok(letters),
        None => Ok(vec![Letter::of_json(line)?]),
    }
}
