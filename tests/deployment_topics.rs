//! `infra/` deploys what `sql/` says: each topic is there, once, in its role, and what calls the functions
//! on one machine names the same topics; and what its alarms mean is written down.

#![cfg(feature = "local")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::Value;
use weir::{
    local::broker::EmbeddedBroker,
    publish::{
        Topics as _,
        kafka::{KafkaPublisher, KafkaSettings},
    },
};

/// What stands in the file that Terraform loads: topics and their roles.
fn deployed() -> BTreeMap<String, String> {
    let text = fs::read_to_string("infra/aws/topics.auto.tfvars.json").unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let role = |topic: &Value| topic["role"].as_str().unwrap().to_owned();
    file["topics"].as_object().unwrap().iter().map(|(name, topic)| (name.clone(), role(topic))).collect()
}

/// What `weir topics` says; an error's text where it fails.
fn weir_topics(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.arg("topics").args(["--sql", "sql"]).args(arguments);
    for name in ["LATE", "DEAD_LETTER", "NOTIFY_DEAD_LETTER", "SINK_DEAD_LETTER"] {
        command.env_remove(format!("WEIR_{name}_TOPIC"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The topics of a mapping in a configuration of `weir poll`.
fn polled(file: &str, function: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let (_, mapping) = text.split_once(&format!("function = \"{function}\"")).unwrap();
    let (_, list) = mapping.split_once("topics = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let mut topics: Vec<_> = list
        .split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    topics.sort();
    topics
}

fn of_roles(roles: &[&str]) -> Vec<String> {
    let topics = deployed().into_iter().filter(|(_, role)| roles.contains(&role.as_str()));
    topics.map(|(name, _)| name).collect()
}

#[test]
fn terraform_has_the_topics_of_the_sql() {
    let deployed = fs::read_to_string("infra/aws/topics.auto.tfvars.json").unwrap();
    assert_eq!(deployed, weir_topics(&["--format", "tfvars"]), "write it anew: weir topics --format tfvars");
}

#[tokio::test]
async fn topics_that_are_missing_are_made_and_others_left() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
    let kafka = KafkaPublisher::new(KafkaSettings::plain(broker.bootstrap())).unwrap();
    kafka.ensure_topics(&[("clicks", 5)]).await.unwrap();
    let bootstrap = broker.bootstrap();
    let create = async |more: &'static [&str]| {
        let bootstrap = bootstrap.clone();
        let run = move || {
            let fixed = ["--create", "--brokers", bootstrap.as_str(), "--partitions", "2"];
            weir_topics(&[&fixed[..], more].concat())
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let said = create(&["--dry-run"]).await;
    assert!(said.contains("would be created with 2 partitions"), "{said}");
    assert_eq!(kafka.partitions("impressions").await.unwrap(), None);
    let said = create(&["--replication", "1", "--config", "retention.ms=86400000"]).await;
    let line =
        |name: &str| said.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
    assert!(line("clicks").ends_with("there already, with 5 partitions, not 2: left as it is"), "{said}");
    assert!(line("impressions").ends_with("table               created with 2 partitions"), "{said}");
    assert!(line("weir.late_events").ends_with("created with 1 partition"), "{said}");
    for (name, _) in deployed() {
        let wanted = if name == "clicks" {
            5
        } else {
            2 - i32::from(name.starts_with("weir.") && name != "weir.alerts")
        };
        assert_eq!(kafka.partitions(&name).await.unwrap(), Some(wanted), "{name}");
    }
    assert!(!create(&[]).await.contains("created"));
}

#[test]
fn the_poller_of_one_machine_reads_what_the_event_sources_read() {
    assert_eq!(polled("localstack/poll.toml", "weir-window"), of_roles(&["table"]));
    assert_eq!(polled("localstack/poll.toml", "weir-notify"), of_roles(&["alert"]));
    assert_eq!(polled("localstack/poll-sink.toml", "weir-sink"), of_roles(&["alert", "result"]));
}

/// The names of the alarms of `infra/`, as far as they are constant.
fn alarms() -> Vec<String> {
    let text = fs::read_to_string("infra/modules/observability/main.tf").unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let name = |pair: &[&str]| {
        let is_alarm = pair[1].starts_with("metric ") && pair[1].contains("statistic");
        let head = pair[0].split_once(" => {").or_else(|| pair[0].split_once(" = {"))?.0;
        let name = head.rsplit(": ").next()?.trim_matches('"');
        is_alarm.then(|| name.replace("${role}", "").replace("${queue}", "").trim_matches('-').to_owned())
    };
    let single = lines.iter().filter_map(|line| line.strip_prefix("alarm_name          = \"${var.name}-"));
    let single = single.map(|rest| rest.trim_end_matches('"').to_owned()).filter(|name| !name.contains('$'));
    lines.windows(2).filter_map(name).chain(single).collect()
}

#[test]
fn every_alarm_is_explained() {
    let page = fs::read_to_string("docs/operations.md").unwrap();
    let (_, section) = page.split_once("## What the alarms mean").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let alarms = alarms();
    assert!(alarms.len() >= 14, "{alarms:?}");
    for alarm in &alarms {
        let explained = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        assert!(
            explained.flat_map(|cell| cell.split('`')).any(|name| name.contains(alarm.as_str())),
            "{alarm}"
        );
    }
}
