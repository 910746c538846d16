//! `weir topics`.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde_json::{Value as Json, json};

use super::{
    brokers::BrokerArgs,
    sql::{self, SqlArgs},
};
use crate::{
    publish::{
        Topics as _,
        kafka::{KafkaPublisher, NewTopics},
    },
    settings,
    sql::{Catalog, TopicRole},
};

/// List the topics that the SQL asks for, or create those that are missing
///
/// Beside the topics of tables and views there are those for what could not be taken: late events and dead
/// letters, which get one partition each. What is there already is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How they are listed: tfvars is what Terraform loads in infra/aws
    #[arg(long, value_enum, default_value_t, conflicts_with = "create")]
    format: Format,
    /// Create those that are missing
    #[arg(long)]
    create: bool,
    /// Only say what --create would do
    #[arg(long, requires = "create")]
    dry_run: bool,
    /// How many partitions topics of tables and views get
    #[arg(long, value_name = "N", default_value_t = 3, requires = "create", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// How many brokers keep each partition; as many as the cluster says if not given
    #[arg(long, value_name = "N", requires = "create", value_parser = clap::value_parser!(i32).range(1..))]
    replication: Option<i32>,
    /// A setting of the topics that are created, such as retention.ms=604800000; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "create", value_parser = setting)]
    config: Vec<(String, String)>,
    #[command(flatten)]
    brokers: BrokerArgs,
    #[command(flatten)]
    sql: SqlArgs,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Tfvars,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as retention.ms=604800000".to_owned()),
    }
}

/// A topic that there must be.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    role: &'static str,
    /// How many partitions it has to have; none for as many as it shall have.
    partitions: Option<i32>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let wanted = wanted(&sql::load(&args.sql.sql)?);
    if args.create {
        return create(&args, &wanted).await;
    }
    let text = match args.format {
        Format::Table => table(&wanted),
        Format::Json => json(&wanted)?,
        Format::Tfvars => tfvars(&wanted)?,
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// What the SQL asks for, then what the functions ask for.
fn wanted(catalog: &Catalog) -> Vec<Wanted> {
    let of_sql = |(role, name): (TopicRole, &str)| Wanted {
        name: name.to_owned(),
        role: role.name(),
        partitions: None,
    };
    let aside = settings::aside_topics(|name| std::env::var(name).ok());
    let aside = aside.map(|(role, name)| Wanted { name, role, partitions: Some(1) });
    catalog.topics().into_iter().map(of_sql).chain(aside).collect()
}

fn table(wanted: &[Wanted]) -> String {
    let width = wanted.iter().map(|topic| topic.name.chars().count()).max().unwrap_or_default();
    wanted.iter().map(|topic| format!("{:width$}  {}\n", topic.name, topic.role)).collect()
}

fn json(wanted: &[Wanted]) -> anyhow::Result<String> {
    let topic =
        |topic: &Wanted| json!({"topic": topic.name, "role": topic.role, "partitions": topic.partitions});
    let list: Vec<Json> = wanted.iter().map(topic).collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

/// A map of names, a block for the roles of each kind.
fn tfvars(wanted: &[Wanted]) -> anyhow::Result<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut last = None;
    for (index, topic) in wanted.iter().enumerate() {
        let twice = wanted.iter().take(index).find(|earlier| earlier.name == topic.name);
        if let Some(earlier) = twice {
            bail!(
                "topic {:?} is {} and {}: infra/ takes one role a topic",
                topic.name,
                earlier.role,
                topic.role
            )
        }
        let kind = topic.partitions.is_none().then_some(topic.role);
        let partitions =
            topic.partitions.map(|count| format!(", \"partitions\": {count}")).unwrap_or_default();
        let line = format!("    {}: {{ \"role\": {:?}{partitions} }}", json!(topic.name), topic.role);
        match blocks.last_mut().filter(|_| last == Some(kind)) {
            Some(block) => write!(block, ",\n{line}")?,
            None => blocks.push(line),
        }
        last = Some(kind);
    }
    Ok(format!("{{\n  \"topics\": {{\n{}\n  }}\n}}\n", blocks.join(",\n\n")))
}

async fn create(args: &Args, wanted: &[Wanted]) -> anyhow::Result<ExitCode> {
    let kafka = args.brokers.publisher().await?;
    let names: Vec<&str> = args.config.iter().map(|(name, _)| name.as_str()).collect();
    let twice =
        names.iter().enumerate().find(|(index, name)| names.iter().take(*index).any(|it| it == *name));
    ensure!(twice.is_none(), "--config names {} twice", twice.map_or("", |(_, name)| name));
    let mut missing: Vec<(&str, i32)> = Vec::new();
    let mut lines = String::new();
    let width = wanted.iter().map(|topic| topic.name.chars().count()).max().unwrap_or_default();
    for topic in wanted {
        if missing.iter().any(|(name, _)| *name == topic.name) {
            continue;
        }
        let partitions = topic.partitions.unwrap_or(args.partitions);
        let found = kafka.partitions(&topic.name).await?;
        let found = found.map(|found| i32::try_from(found.len())).transpose()?;
        let fate = fate(found, partitions, args.dry_run);
        writeln!(lines, "{:width$}  {:18}  {fate}", topic.name, topic.role)?;
        if found.is_none() {
            missing.push((&topic.name, partitions));
        }
    }
    if !args.dry_run {
        make(args, &kafka, &missing).await?;
    }
    print!("{lines}");
    Ok(ExitCode::SUCCESS)
}

/// What becomes of a topic that has so many partitions, if it is there.
fn fate(found: Option<i32>, wanted: i32, is_dry: bool) -> String {
    let of = |count: i32| format!("{count} partition{}", if count == 1 { "" } else { "s" });
    match found {
        None if is_dry => format!("would be created with {}", of(wanted)),
        None => format!("created with {}", of(wanted)),
        Some(found) if found == wanted => format!("there already, with {}", of(found)),
        Some(found) => format!("there already, with {}, not {wanted}: left as it is", of(found)),
    }
}

async fn make(args: &Args, kafka: &KafkaPublisher, missing: &[(&str, i32)]) -> anyhow::Result<()> {
    let config: Vec<_> = args.config.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let new = NewTopics { topics: missing, replication: args.replication, config: &config };
    kafka.create_topics(new).await.context("not all topics were created; run it again when that is mended")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topics: &[(&str, &'static str, Option<i32>)]) -> Vec<Wanted> {
        let wanted = |(name, role, partitions): &(&str, &'static str, Option<i32>)| Wanted {
            name: (*name).to_owned(),
            role,
            partitions: *partitions,
        };
        topics.iter().map(wanted).collect()
    }

    #[test]
    fn they_are_listed_in_three_formats() {
        let topics = of(&[("clicks", "table", None), ("ctr", "result", None), ("late", "late", Some(1))]);
        insta::assert_snapshot!(table(&topics), @r"
        clicks  table
        ctr     result
        late    late
        ");
        insta::assert_snapshot!(tfvars(&topics).unwrap(), @r#"
        {
          "topics": {
            "clicks": { "role": "table" },

            "ctr": { "role": "result" },

            "late": { "role": "late", "partitions": 1 }
          }
        }
        "#);
        let read: Json = serde_json::from_str(&json(&topics).unwrap()).unwrap();
        assert_eq!(
            read,
            json!([
                {"topic": "clicks", "role": "table", "partitions": null},
                {"topic": "ctr", "role": "result", "partitions": null},
                {"topic": "late", "role": "late", "partitions": 1},
            ])
        );
    }

    #[test]
    fn a_topic_of_two_roles_has_no_place_in_terraform() {
        let error = tfvars(&of(&[("a", "table", None), ("a", "result", None)])).unwrap_err().to_string();
        assert_eq!(error, "topic \"a\" is table and result: infra/ takes one role a topic");
    }

    #[test]
    fn what_becomes_of_a_topic_is_told() {
        assert_eq!(fate(None, 3, false), "created with 3 partitions");
        assert_eq!(fate(None, 1, true), "would be created with 1 partition");
        assert_eq!(fate(Some(3), 3, false), "there already, with 3 partitions");
        assert_eq!(fate(Some(6), 3, true), "there already, with 6 partitions, not 3: left as it is");
    }
}
