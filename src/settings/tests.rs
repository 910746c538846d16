use super::*;

fn settings(vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let find = |name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::from_vars(find)
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let settings = settings(&[("WEIR_TABLE", "")]).unwrap();
    assert_eq!((settings.sql, settings.table.as_str()), ("sql".into(), "weir"));
    assert_eq!((settings.engine, settings.read_cache), (engine::Settings::default(), READ_CACHE));
}

#[test]
fn variables_go_before_defaults() {
    let vars = [("WEIR_TABLE", "views"), ("WEIR_RETENTION_DAYS", "3"), ("WEIR_READ_CACHE_MILLIS", "0")];
    let settings = settings(&vars).unwrap();
    assert_eq!(settings.read_cache, Millis(0));
    assert_eq!((settings.table.as_str(), settings.engine.retention), ("views", Millis::days(3)));
}

#[test]
fn metrics_are_told_apart_by_function_unless_told_otherwise() {
    let of = |value: &'static str| metrics(move |_| Some(value.to_owned()));
    assert_eq!(metrics(|_| None).unwrap(), Some(Detail::Function));
    assert_eq!((of("view").unwrap(), of("off").unwrap()), (Some(Detail::View), None));
    let error = of("all").unwrap_err().to_string();
    assert!(error.contains("WEIR_METRICS") && error.contains("expected function, view or off"), "{error}");
}

#[cfg(feature = "kafka")]
#[test]
fn topics_are_on_kafka_unless_told_otherwise() {
    let of = |value: &'static str| is_kinesis(move |_| Some(value.to_owned()));
    assert!(!is_kinesis(|_| None).unwrap() && !of("kafka").unwrap() && of("kinesis").unwrap());
    let error = of("Kinesis").unwrap_err().to_string();
    assert!(error.ends_with("found \"Kinesis\", expected kafka or kinesis"), "{error}");
}

#[test]
fn a_value_that_is_none_says_what_was_expected() {
    let error = settings(&[("WEIR_RETENTION_DAYS", "a week")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to read WEIR_RETENTION_DAYS from the environment: found \"a week\", expected a number of \
         days from 1 to 3650"
    );
}

#[cfg(feature = "sink")]
#[test]
fn sink_is_told_where_to_and_how_hard_to_try() {
    let read = |vars: &[(&'static str, &'static str)]| {
        super::sink(|name| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let error = read(&[("WEIR_SINK", "")]).unwrap_err().to_string();
    assert!(error.starts_with("failed to find WEIR_SINK in the environment"), "{error}");
    let told =
        [("WEIR_SINK", "file:///rows"), ("WEIR_SINK_ATTEMPTS", "2"), ("WEIR_SINK_TIMEOUT_SECONDS", "9")];
    let settings = read(&told).unwrap();
    assert_eq!((settings.targets.len(), settings.dead_letter_topic.as_str()), (1, "weir.sink_dead_letters"));
    assert_eq!((settings.limits.attempts.get(), settings.limits.timeout.as_secs()), (2, 9));
    let error = read(&[("WEIR_SINK", "clickhouse://u:s3cret@h/a/b")]).unwrap_err();
    let error = crate::error::causes(&error);
    assert!(error.contains("target 1") && !error.contains("s3cret"), "{error}");
}

#[cfg(feature = "api")]
#[test]
fn the_api_is_told_its_keys_and_who_may_come() {
    let read = |vars: &'static [(&str, &str)]| {
        super::api(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    };
    assert!(read(&[("WEIR_API_KEYS", "")]).unwrap().access.is_open());
    let told = read(&[("WEIR_API_KEYS", "write:0123456789abcdef"), ("WEIR_CORS_ORIGINS", "*")]).unwrap();
    assert_eq!((told.access.is_open(), told.origins), (false, crate::api::Origins::All));
    let error = crate::error::causes(&read(&[("WEIR_API_KEYS", "s3cret")]).unwrap_err());
    assert!(error.contains("WEIR_API_KEYS") && !error.contains("s3cret"), "{error}");
    assert!(read(&[("WEIR_PROTECT_READS", "yes")]).is_err());
    assert!(read(&[("WEIR_CORS_ORIGINS", "shop.example")]).is_err());
}

#[cfg(feature = "notify")]
#[test]
fn notify_is_told_where_to_and_how_hard_to_try() {
    let read = |vars: &[(&str, &str)]| {
        let vars: Vec<_> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let find = |name| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        super::notify(find)
    };
    let settings = read(&[("WEIR_NOTIFY", "")]).unwrap();
    assert!(settings.targets.is_empty());
    assert_eq!(settings.dead_letter_topic, "weir.notify_dead_letters");
    let told = [("WEIR_NOTIFY", "https://a.example/"), ("WEIR_NOTIFY_ATTEMPTS", "2")];
    let limits = read(&[&told[..], &[("WEIR_NOTIFY_TIMEOUT_SECONDS", "9")]].concat()).unwrap().limits;
    assert_eq!((limits.attempts.get(), limits.timeout.as_secs()), (2, 9));
    let error = read(&[("WEIR_NOTIFY_ATTEMPTS", "0")]).unwrap_err().to_string();
    assert!(error.ends_with("found \"0\", expected a number from 1 to 100"), "{error}");
    let error = crate::error::causes(&read(&[("WEIR_NOTIFY", "mailto:s3cret")]).unwrap_err());
    assert!(error.contains("target 1") && !error.contains("s3cret"), "{error}");
}

#[cfg(feature = "registry")]
#[tokio::test]
async fn a_table_of_a_registry_needs_one() {
    let catalog = |format: &str| {
        let text = format!("CREATE TABLE t (ts TIMESTAMP) WITH (format = '{format}')");
        Catalog::parse(&[crate::sql::SqlFile { name: "t.sql".to_owned(), text }]).unwrap()
    };
    let with =
        |address: &'static str| move |name| (name == "WEIR_SCHEMA_REGISTRY").then(|| address.to_owned());
    let missing = schemas(&catalog("avro-confluent"), with("")).await.unwrap_err();
    assert!(
        missing.to_string().starts_with("failed to find WEIR_SCHEMA_REGISTRY in the environment"),
        "{missing}"
    );
    assert!(schemas(&catalog("protobuf-confluent"), with("")).await.is_err());
    schemas(&catalog("avro-confluent"), with("https://name:s3cret@registry:8081")).await.unwrap();
    schemas(&catalog("json"), with("")).await.unwrap();
    let wrong = schemas(&catalog("json"), with("s3cret")).await.unwrap_err();
    assert!(!crate::error::causes(&wrong).contains("s3cret"), "{wrong}");
}
