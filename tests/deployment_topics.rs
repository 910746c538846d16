//! `infra/` deploys what `sql/` says: each topic is there, once, in its role, and what calls the functions
//! on one machine names the same topics.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use weir::{engine, sql::Catalog};

/// What stands in the file that Terraform loads: topics and their roles.
fn deployed() -> BTreeMap<String, String> {
    let text = fs::read_to_string("infra/aws/topics.auto.tfvars.json").unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let role = |topic: &Value| topic["role"].as_str().unwrap().to_owned();
    file["topics"].as_object().unwrap().iter().map(|(name, topic)| (name.clone(), role(topic))).collect()
}

/// The topics that the SQL and the functions' defaults ask for.
fn wanted() -> BTreeMap<String, String> {
    let catalog = Catalog::load("sql".as_ref()).unwrap();
    let defaults = engine::Settings::default();
    let mut topics = BTreeMap::new();
    let mut add = |name: &str, role: &str| drop(topics.insert(name.to_owned(), role.to_owned()));
    catalog.tables.iter().for_each(|table| add(&table.topic, "table"));
    for options in catalog.views.iter().map(|view| &view.options) {
        let role = if options.alert { "alert" } else { "result" };
        options.topic.iter().for_each(|topic| add(topic, role));
        options.sentence.iter().for_each(|sentence| add(&sentence.topic, "sentence"));
    }
    add(&defaults.late_topic, "late");
    add(&defaults.dead_letter_topic, "dead_letter");
    add("weir.notify_dead_letters", "notify_dead_letter");
    add("weir.sink_dead_letters", "sink_dead_letter");
    topics
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
    assert_eq!(deployed(), wanted());
}

#[test]
fn the_poller_of_one_machine_reads_what_the_event_sources_read() {
    assert_eq!(polled("localstack/poll.toml", "weir-window"), of_roles(&["table"]));
    assert_eq!(polled("localstack/poll.toml", "weir-notify"), of_roles(&["alert"]));
    assert_eq!(polled("localstack/poll-sink.toml", "weir-sink"), of_roles(&["alert", "result"]));
}
