//! The promise: `weir up` says where to look, answers there, stops when it is told, and goes on the next time.

#![cfg(all(feature = "local", unix))]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;

/// A running `weir`, killed if the test does not stop it.
struct Weir {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Drop for Weir {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    // Somewhere without an `sql` folder.
    command.current_dir(dir).args(arguments).env_remove("WEIR_SQL").env_remove("RUST_LOG");
    command.args(["--data-dir", "data", "--kafka-port", "0", "--dynamodb-port", "0"]);
    command
}

impl Weir {
    /// Starts it and waits until it says where the API is.
    fn up(dir: &Path, arguments: &[&str]) -> Self {
        let mut child = command(dir, arguments).args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut url = None;
        let mut line = String::new();
        while url.is_none() {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended before it said where the API is");
            let said =
                line.split_whitespace().find(|word| word.starts_with("http://") && line.contains("API"));
            url = said.map(|url| url.trim_end_matches('/').to_owned());
        }
        Self { child, output, url: url.unwrap() }
    }

    async fn get(&self, path: &str) -> Value {
        reqwest::get(format!("{}{path}", self.url)).await.unwrap().json().await.unwrap()
    }

    /// Asks for the latest rows until there is one of a product that there are visits of from the start; the
    /// first window may have ended before them.
    async fn rows(&self) -> Vec<Value> {
        for _ in 0..1200 {
            let rows = self.get("/ctr/latest").await;
            match rows.as_array() {
                Some(rows) if rows.iter().any(|row| row["product_id"] == "product_1") => return rows.clone(),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("waited in vain for rows");
    }

    /// What there is to scrape, once a closing has ended: rows are shown before that.
    async fn metrics(&self) -> String {
        for _ in 0..1200 {
            let answer = reqwest::get(format!("{}/metrics", self.url)).await.unwrap();
            assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
            let text = answer.text().await.unwrap();
            if text.contains("weir_close_seconds_count")
                && text.contains("{function=\"window\",outcome=\"ok\"}")
            {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("waited in vain for a closing");
    }

    /// Tells it to stop; what it said until then, and how it ended.
    fn stop(mut self) -> (String, ExitStatus) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        (said, self.child.wait().unwrap())
    }
}

/// What it says when it does not start.
fn refusal(dir: &Path, arguments: &[&str]) -> String {
    let output = command(dir, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Whether `/metrics` is Prometheus' text, of metrics that the documentation has, and tells what flowed.
async fn assert_is_scraped(weir: &Weir) {
    let text = weir.metrics().await;
    let declared: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for line in &declared {
        let is_known =
            |metric: &&weir::observe::Definition| *line == format!("{} {}", metric.name, metric.kind.name());
        assert!(weir::observe::names::ALL.iter().any(is_known), "{line}");
    }
    assert!(declared.contains(&"weir_close_seconds histogram"), "{declared:?}");
    let value = |series: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).trim().parse::<f64>().unwrap()
    };
    assert!(value("weir_records_total{topic=\"impressions\"}") > 0.0);
    assert!(value("weir_rows_total{view=\"ctr\"}") > 0.0);
    assert!(value("weir_store_units_total{kind=\"write\"}") > 0.0);
    assert!(value("weir_invocations_total{function=\"window\",outcome=\"ok\"}") > 0.0);
    assert!(value("weir_http_seconds_count{route=\"/health\",status=\"200\"}") >= 1.0);
    assert!(value("weir_watermark_lag_seconds{view=\"ctr\"}").abs() < 3600.0);
}

#[tokio::test]
async fn it_serves_rows_stops_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let weir = Weir::up(dir.path(), &["up", "--rate", "500"]);
    assert_eq!(weir.get("/health").await["status"], "ok");
    assert!(!weir.rows().await.is_empty());
    assert_is_scraped(&weir).await;
    let (said, status) = weir.stop();
    assert!(status.success() && said.contains("stopped after"), "{status}: {said}");

    // A bare `weir` is the same command; what was there is there without another event.
    let weir = Weir::up(dir.path(), &["--no-simulate"]);
    assert!(!weir.rows().await.is_empty());
    let (said, status) = weir.stop();
    assert!(status.success() && said.contains("stopped after"), "{status}: {said}");
}

#[test]
fn the_environment_for_functions_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let weir = Weir::up(dir.path(), &["up", "--no-simulate"]);
    let script = ". ./data/env && cat \"$WEIR_SQL\" && echo \"$WEIR_URL\"";
    let output = Command::new("sh").args(["-c", script]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("{}{}\n", include_str!("../sql/ctr.sql"), weir.url));
    assert!(weir.stop().1.success());
}

#[test]
fn a_port_that_is_taken_is_named_with_the_option_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refusal(dir.path(), &["up", "--port", &port]);
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port N"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named_with_the_option_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data"), "a file").unwrap();
    let said = refusal(dir.path(), &["up", "--port", "0"]);
    assert!(said.contains("data folder data: not a directory") && said.contains("--data-dir"), "{said}");

    std::fs::remove_file(dir.path().join("data")).unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/thesis.txt"), "years of work").unwrap();
    let said = refusal(dir.path(), &["up", "--port", "0", "--fresh"]);
    assert!(said.contains("not empty") && said.contains("--data-dir"), "{said}");
    assert!(dir.path().join("data/thesis.txt").exists());
}

#[test]
fn two_do_not_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let weir = Weir::up(dir.path(), &["up", "--no-simulate"]);
    let said = refusal(dir.path(), &["up", "--port", "0"]);
    assert!(said.contains("another weir uses it"), "{said}");
    assert!(weir.stop().1.success());
}

#[test]
fn sql_that_is_wrong_is_shown_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("wrong.sql"), "CREATE TABLE t (ts TIMESTAMP) WITH (topik = 'x');")
        .unwrap();
    let said = refusal(dir.path(), &["up", "--sql", "wrong.sql"]);
    assert!(said.contains("wrong.sql:1:"), "{said}");
    assert!(!dir.path().join("data").exists());
}
