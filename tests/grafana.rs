//! The promise: the provisioned dashboards ask for what there is: metrics by the names and labels of the code, tables
//! and columns by those of the SQL.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value as Json;
use weir::{
    observe::{Definition, Kind, names},
    sql::{Catalog, View},
};

const GRAFANA: &str = "localstack/grafana";

fn dashboard(name: &str) -> Json {
    let text = fs::read_to_string(Path::new(GRAFANA).join("dashboards").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn panels(dashboard: &Json) -> impl Iterator<Item = &Json> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

fn targets(dashboard: &Json) -> Vec<&Json> {
    panels(dashboard).flat_map(|panel| panel["targets"].as_array().unwrap()).collect()
}

/// The words of a text: what is no word stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

fn metric(name: &str) -> Option<&'static Definition> {
    names::ALL.iter().copied().find(|metric| metric.name == name)
}

/// The metric that a name in `PromQL` is of: a histogram's is told in three series.
fn of_series(name: &str) -> Option<&'static Definition> {
    let of = |suffix| metric(name.strip_suffix(suffix)?).filter(|metric| metric.kind == Kind::Histogram);
    let plain = metric(name).filter(|metric| metric.kind != Kind::Histogram);
    plain.or_else(|| ["_bucket", "_count", "_sum"].into_iter().find_map(of))
}

/// The labels in `by (...)` and `{...}`, and those that the legend shows.
fn labels<'a>(expr: &'a str, legend: &'a str) -> BTreeSet<&'a str> {
    let inside = |text: &'a str, open: &'a str, close: char| {
        text.split(open).skip(1).filter_map(move |rest| rest.split(close).next())
    };
    let by = inside(expr, "by (", ')').flat_map(|list| list.split(", "));
    let matched =
        inside(expr, "{", '}').flat_map(|list| list.split(',')).filter_map(|one| one.split('=').next());
    let shown = inside(legend, "{{", '}');
    by.chain(matched).chain(shown).map(|label| label.trim_end_matches('~')).collect()
}

#[test]
fn the_pipeline_asks_for_metrics_and_labels_that_there_are() {
    let board = dashboard("pipeline.json");
    let mut asked = BTreeSet::new();
    for target in targets(&board) {
        let expr = target["expr"].as_str().unwrap();
        let series: Vec<_> = words(expr).filter(|word| word.starts_with("weir_")).collect();
        assert_eq!(series.len(), 1, "{expr}");
        let metric = of_series(series[0]).unwrap_or_else(|| panic!("there is no {} in {expr}", series[0]));
        asked.insert(metric.name);
        for label in labels(expr, target["legendFormat"].as_str().unwrap_or_default()) {
            let is_bucket = label == "le" && series[0].ends_with("_bucket");
            assert!(
                is_bucket || metric.labels.contains(&label),
                "{} has no label {label}: {expr}",
                metric.name
            );
        }
        let is_rate = expr.contains("rate(") || expr.contains("increase(");
        assert!(is_rate || metric.kind == Kind::Gauge || metric.name == "weir_cold_starts_total", "{expr}");
    }
    let all: BTreeSet<_> = names::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(asked, all, "every metric has its place");
}

#[test]
fn cloudwatch_is_asked_for_names_that_the_functions_print() {
    let board = dashboard("cloudwatch.json");
    let variable = &board["templating"]["list"][0]["query"];
    let asked = targets(&board).into_iter().chain([variable]);
    // What docs/metrics.md says becomes part of a name.
    let split = ["kind", "item", "outcome"];
    for target in asked {
        let name = target["metricName"].as_str().unwrap();
        let is_known = names::ALL.iter().any(|metric| match name.strip_prefix(metric.name) {
            Some("") => !metric.labels.iter().any(|label| split.contains(label)),
            Some(value) => value.starts_with('_') && metric.labels.iter().any(|label| split.contains(label)),
            None => false,
        });
        assert!(is_known, "no function prints {name}");
        assert_eq!(target["namespace"], "Weir");
    }
}

/// What a query may say besides tables, columns and its own names.
const SQL: [&str; 17] = [
    "SELECT", "FROM", "FINAL", "WHERE", "GROUP", "ORDER", "BY", "AS", "AND", "INTERVAL", "MINUTE", "DAY",
    "HOUR", "DESC", "IN", "NOT", "OR",
];

/// A view's columns as its table has them.
fn columns(view: &View) -> BTreeSet<String> {
    let own = view.outputs.iter().map(|output| output.field.name.clone());
    own.chain(["window_start", "window_end", "revision"].map(str::to_owned)).collect()
}

/// A query without what stands between quotes.
fn unquoted(sql: &str) -> String {
    sql.split('\'').step_by(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn behaviour_asks_for_tables_and_columns_that_there_are() {
    let catalog = Catalog::load(Path::new("sql")).unwrap();
    let board = dashboard("behaviour.json");
    let mut tables = BTreeSet::new();
    for target in targets(&board) {
        let sql = target["rawSql"].as_str().unwrap();
        let plain = unquoted(sql);
        let after = |word: &str| {
            words(&plain)
                .zip(words(&plain).skip(1))
                .filter(|(a, _)| *a == word)
                .map(|(_, b)| b.to_owned())
                .collect::<Vec<_>>()
        };
        let [table] = after("FROM").try_into().unwrap();
        let view = catalog.view(&table).unwrap_or_else(|| panic!("there is no view {table}"));
        assert!(view.options.topic.is_some(), "no sink gets {table}");
        assert!(plain.contains(&format!("FROM {table} FINAL")), "revisions would count twice: {sql}");
        let mut known = columns(view);
        known.extend(after("AS"));
        for word in words(&plain).filter(|word| *word != table && !SQL.contains(word)) {
            let is_called = plain.contains(&format!("{word}("));
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            assert!(is_called || is_number || known.contains(word), "{table} has no {word}: {sql}");
        }
        tables.insert(table);
    }
    let outputs = [
        "activity_heatmap",
        "conversion_rate",
        "events_per_type",
        "funnel_stats",
        "page_views",
        "retention",
        "session_stats",
        "unique_users_per_page",
    ];
    assert_eq!(tables, outputs.map(str::to_owned).into());
}

#[test]
fn every_panel_has_its_place_and_a_datasource_that_is_provisioned() {
    let sources = fs::read_to_string(Path::new(GRAFANA).join("provisioning/datasources/weir.yaml")).unwrap();
    for name in ["behaviour.json", "cloudwatch.json", "pipeline.json"] {
        let board = dashboard(name);
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in board["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {panel}");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(x + w <= 24, "{name}: {panel}");
            let all = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
            assert!(
                all.into_iter().all(|cell| cells.insert(cell)),
                "{name}: {} lies on another",
                panel["title"]
            );
        }
        for target in targets(&board) {
            let source = &target["datasource"];
            let (uid, kind) = (source["uid"].as_str().unwrap(), source["type"].as_str().unwrap());
            let is_there = sources.split("\n  - ").any(|one| {
                one.contains(&format!("uid: {uid}\n")) && one.contains(&format!("type: {kind}\n"))
            });
            assert!(is_there, "{name}: {source}");
        }
        assert!(panels(&board).all(|panel| panel["title"].as_str().is_some_and(|title| !title.is_empty())));
    }
}
