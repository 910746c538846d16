//! Expressions, from their text to their value on a row.

use weir::{
    sql::{Catalog, Expr, SqlFile, parse_timestamp},
    time::Timestamp,
    value::Value,
};

/// The columns of the table that expressions are over, and one row of it.
const COLUMNS: &str = "t TEXT, n BIGINT, x DOUBLE, b BOOLEAN, at TIMESTAMP, j JSON, zero BIGINT, nothing TEXT, \
                       none BIGINT, \"userId\" TEXT, ts TIMESTAMP";

fn row() -> Vec<Value<'static>> {
    vec![
        Value::text("Grüße"),
        Value::Int(7),
        Value::Float(2.5),
        Value::Bool(true),
        Value::Time(Timestamp(1_700_000_000_123)),
        Value::Json(r#"{"device":"mobile","tags":["a","b"],"n":{"deep":12.5},"off":null}"#.into()),
        Value::Int(0),
        Value::Null,
        Value::Null,
        Value::text("u1"),
        Value::Time(Timestamp(0)),
    ]
}

fn bind(expression: &str) -> Result<Expr, String> {
    let text = format!(
        "CREATE TABLE s ({COLUMNS}) WITH (event_time = 'ts');\n\
         CREATE VIEW v AS SELECT count({expression}) AS n FROM s GROUP BY TUMBLE(ts, INTERVAL '1' SECOND)"
    );
    let catalog =
        Catalog::parse(&[SqlFile { name: "e.sql".into(), text }]).map_err(|errors| errors.to_string())?;
    let source = catalog.views.first().and_then(|view| view.sources.first());
    let input = source.and_then(|source| source.inputs.first()).expect("one aggregate");
    Ok(input.argument.clone().expect("an argument"))
}

fn eval(expression: &str) -> Value<'static> {
    let expr = bind(expression).unwrap_or_else(|errors| panic!("{expression}: {errors}"));
    let row = row();
    let value = expr.eval(&row).into_owned();
    assert_eq!(expr.test(&row), value == Value::Bool(true), "{expression}");
    value
}

fn all(cases: &[(&str, Value<'static>)]) {
    for (expression, expected) in cases {
        assert_eq!(eval(expression), *expected, "{expression}");
    }
}

const TRUE: Value<'static> = Value::Bool(true);
const FALSE: Value<'static> = Value::Bool(false);
const NULL: Value<'static> = Value::Null;

#[test]
fn arithmetic() {
    all(&[
        ("n + 1", Value::Int(8)),
        ("n + 3 * 10 - 2", Value::Int(35)),
        ("(n + 3) * 10", Value::Int(100)),
        ("n / 2", Value::Float(3.5)),
        ("n / zero", NULL),
        ("1 / 0", NULL),
        ("n % 4", Value::Int(3)),
        ("n % zero", NULL),
        ("mod(n, 4)", Value::Int(3)),
        ("n + x", Value::Float(9.5)),
        ("-n", Value::Int(-7)),
        ("- -n", Value::Int(7)),
        ("n + none", NULL),
        ("9223372036854775807 + n", NULL),
        ("-9223372036854775808", Value::Int(i64::MIN)),
        ("1e3", Value::Float(1000.0)),
        ("coalesce(n / zero, 0)", Value::Float(0.0)),
        ("coalesce(none, 0)", Value::Int(0)),
        ("coalesce(none, x)", Value::Float(2.5)),
        ("coalesce(n, x)", Value::Float(7.0)),
        ("coalesce(NULL, NULL, n)", Value::Int(7)),
        ("nullif(n, 7)", NULL),
        ("nullif(n, 8)", Value::Int(7)),
        ("abs(-n)", Value::Int(7)),
        ("round(x)", Value::Float(3.0)),
        ("round(n / 3, 2)", Value::Float(2.33)),
        ("floor(x)", Value::Float(2.0)),
        ("ceil(x)", Value::Float(3.0)),
        ("CEILING(n)", Value::Int(7)),
        ("greatest(n, x, none)", Value::Float(7.0)),
        ("least(n, 3)", Value::Int(3)),
    ]);
}

#[test]
fn logic_is_three_valued() {
    all(&[
        ("b AND nothing = 'x'", NULL),
        ("NOT b AND nothing = 'x'", FALSE),
        ("b OR nothing = 'x'", TRUE),
        ("NOT b OR nothing = 'x'", NULL),
        ("NOT (nothing = 'x')", NULL),
        ("nothing IS NULL", TRUE),
        ("nothing IS NOT NULL", FALSE),
        ("(nothing = 'x') IS TRUE", FALSE),
        ("(nothing = 'x') IS NOT TRUE", TRUE),
        ("(n = 8) IS FALSE", TRUE),
        ("(nothing = 'x') IS UNKNOWN", TRUE),
        ("nothing IS DISTINCT FROM t", TRUE),
        ("nothing IS NOT DISTINCT FROM NULL", TRUE),
        ("NULL = NULL", NULL),
        ("true", TRUE),
    ]);
}

#[test]
fn predicates() {
    all(&[
        ("t = 'Grüße'", TRUE),
        ("t <> 'Grüße'", FALSE),
        ("t != 'x'", TRUE),
        ("n < x", FALSE),
        ("n >= 7.0", TRUE),
        ("n IN (1, 7)", TRUE),
        ("n NOT IN (1, 7)", FALSE),
        ("n IN (1, NULL)", NULL),
        ("n IN (7, NULL)", TRUE),
        ("n NOT IN (1, none)", NULL),
        ("t IN ('a', 'Grüße')", TRUE),
        ("n BETWEEN 1 AND 7", TRUE),
        ("n NOT BETWEEN 1 AND 7", FALSE),
        ("none BETWEEN 1 AND 7", NULL),
        ("none BETWEEN 9 AND n", NULL),
        ("t LIKE 'Gr%e'", TRUE),
        ("t NOT LIKE 'Gr_e'", TRUE),
        ("t ILIKE 'GRÜ%'", TRUE),
        ("nothing LIKE '%'", NULL),
        ("at = '2023-11-14T22:13:20.123Z'", TRUE),
        ("at > '2023-11-14'", TRUE),
        ("at BETWEEN '2023-11-14' AND '2023-11-15'", TRUE),
        ("at IN ('2023-11-14T22:13:20.123Z')", TRUE),
        ("at < 1700000000124", TRUE),
        ("\"userId\" = 'u1' AND userid = 'u1'", TRUE),
    ]);
}

#[test]
fn cases_and_casts() {
    all(&[
        ("CASE WHEN n > 5 THEN 'big' ELSE 'small' END", Value::text("big")),
        ("CASE n WHEN 1 THEN 'one' WHEN 7 THEN 'seven' END", Value::text("seven")),
        ("CASE WHEN n > 9 THEN 1 END", NULL),
        ("CASE WHEN n > 5 THEN 1 ELSE 2.5 END", Value::Float(1.0)),
        ("CASE WHEN none > 5 THEN 1 ELSE 2 END", Value::Int(2)),
        ("if(b, 1, 2)", Value::Int(1)),
        ("CAST(n AS TEXT)", Value::text("7")),
        ("n::DOUBLE", Value::Float(7.0)),
        ("CAST('12' AS BIGINT)", Value::Int(12)),
        ("TRY_CAST(t AS BIGINT)", NULL),
        ("at::BIGINT", Value::Int(1_700_000_000_123)),
        ("CAST(1700000000123 AS TIMESTAMP) = at", TRUE),
        ("TIMESTAMP '2023-11-14 22:13:20.123' = at", TRUE),
    ]);
}

#[test]
fn texts() {
    all(&[
        ("lower(t)", Value::text("grüße")),
        ("upper('a' || n)", Value::text("A7")),
        ("length(t)", Value::Int(5)),
        ("substr(t, 3, 2)", Value::text("üß")),
        ("SUBSTRING(t FROM 2 FOR 2)", Value::text("rü")),
        ("substring(t, 4)", Value::text("ße")),
        ("concat(t, n, nothing, b)", Value::text("Grüße7true")),
        ("t || nothing", NULL),
        ("trim('  a ')", Value::text("a")),
        ("TRIM(BOTH 'x' FROM 'xax')", Value::text("a")),
        ("TRIM(LEADING 'x' FROM 'xax')", Value::text("ax")),
        ("rtrim('a  ')", Value::text("a")),
        ("'it''s'", Value::text("it's")),
    ]);
}

#[test]
fn parts_of_texts() {
    all(&[
        ("replace(t, 'ü', 'ue')", Value::text("Grueße")),
        ("replace(t, '', 'x')", Value::text("Grüße")),
        ("replace(t, nothing, 'x')", NULL),
        ("split_part('/p/7/x', '/', 3)", Value::text("7")),
        ("split_part(t, 'r', -1)", Value::text("üße")),
        ("split_part(t, 'r', 0)", NULL),
        ("split_part(t, '', 1)", Value::text("Grüße")),
        ("starts_with(t, 'Gr')", TRUE),
        ("starts_with(t, nothing)", NULL),
        ("ends_with(t, 'x')", FALSE),
        ("position('ß' IN t)", Value::Int(4)),
        ("strpos(t, 'x')", Value::Int(0)),
        ("instr(t, 'G')", Value::Int(1)),
        ("left(t, 2)", Value::text("Gr")),
        ("left(t, -1)", Value::text("Grüß")),
        ("right(t, 2)", Value::text("ße")),
        ("right(nothing, 2)", NULL),
        ("lpad(n::TEXT, 3, '0')", Value::text("007")),
        ("rpad(t, 7)", Value::text("Grüße  ")),
        ("rpad(t, 2, 'x')", Value::text("Gr")),
    ]);
}

#[test]
fn real_functions() {
    all(&[
        ("sqrt(n + 2)", Value::Float(3.0)),
        ("sqrt(-n)", NULL),
        ("power(2, 10)", Value::Float(1024.0)),
        ("pow(zero, -1)", NULL),
        ("exp(zero)", Value::Float(1.0)),
        ("exp(1000)", NULL),
        ("ln(1)", Value::Float(0.0)),
        ("ln(zero)", NULL),
        ("log10(1000.0)", Value::Float(3.0)),
        ("sign(-n)", Value::Int(-1)),
        ("sign(x)", Value::Float(1.0)),
        ("sign(none)", NULL),
    ]);
}

#[test]
fn json_functions() {
    all(&[
        ("json_value(j, '$.n.deep')", Value::text("12.5")),
        ("json_value(j -> 'n', '$.deep')", Value::text("12.5")),
        ("json_value(j, '$.tags[1]')", Value::text("b")),
        ("json_value(j, '$[\"device\"]')", Value::text("mobile")),
        ("json_value(j, '$.off')", NULL),
        ("json_extract(j, '$.n') ->> 'deep'", Value::text("12.5")),
        ("json_query(j, '$.tags')", Value::Json(r#"["a","b"]"#.into())),
        ("json_extract(j, '$.tags[7]')", NULL),
        ("json_array_length(j -> 'tags')", Value::Int(2)),
        ("cardinality(j)", NULL),
        ("cardinality(j -> 'nowhere')", NULL),
        ("array_to_string(j -> 'tags', ', ')", Value::text("a, b")),
        ("array_join(j -> 'device', ', ')", NULL),
    ]);
}

#[test]
fn json_paths() {
    all(&[
        ("j ->> 'device'", Value::text("mobile")),
        ("j->>'device' = 'mobile'", TRUE),
        ("j -> 'tags' ->> 1", Value::text("b")),
        ("j->'tags'->0 IS NOT NULL", TRUE),
        ("(j->'n'->>'deep')::DOUBLE", Value::Float(12.5)),
        ("(j->'n'->'deep')::BIGINT", Value::Int(12)),
        ("j ->> 'off'", NULL),
        ("j ->> 'nowhere'", NULL),
        ("coalesce(j ->> 'nowhere', 'x')", Value::text("x")),
        ("CAST('{\"a\": 5}' AS JSON) ->> 'a'", Value::text("5")),
    ]);
}

#[test]
fn times() {
    let plus = |ms: i64| Value::Time(Timestamp(1_700_000_000_123 + ms));
    all(&[
        ("at - ts", Value::Int(1_700_000_000_123)),
        ("at + INTERVAL '1' MINUTE", plus(60_000)),
        ("at - INTERVAL '2 seconds'", plus(-2000)),
        ("INTERVAL '250' MILLISECOND + at", plus(250)),
        ("at + 1", plus(1)),
        ("at - ts > INTERVAL '30' DAY", TRUE),
        ("EXTRACT(HOUR FROM at)", Value::Int(22)),
        ("EXTRACT(DOW FROM at)", Value::Int(2)),
        ("EXTRACT(EPOCH FROM at)", Value::Int(1_700_000_000)),
        ("EXTRACT(YEAR FROM 1700000000123)", Value::Int(2023)),
        ("EXTRACT(MILLISECOND FROM at)", Value::Int(123)),
        ("date_trunc('hour', at)", Value::Time(parse_timestamp("2023-11-14T22:00:00Z").unwrap())),
        ("date_trunc('WEEK', at)", Value::Time(parse_timestamp("2023-11-13").unwrap())),
        ("to_timestamp(1700000000)", plus(-123)),
        ("to_timestamp(1700000000.123) = at", TRUE),
        ("to_timestamp('2023-11-14T22:13:20.123Z') = at", TRUE),
        ("to_timestamp(t)", NULL),
        ("epoch_ms(at)", Value::Int(1_700_000_000_123)),
        ("epoch_ms(1700000000123) = at", TRUE),
    ]);
    assert_eq!(parse_timestamp("1970-01-01T00:00:01Z"), Some(Timestamp(1000)));
}

#[test]
fn mismatched_types_are_errors_that_name_both() {
    for (expression, expected) in [
        ("t = n", "cannot compare TEXT with BIGINT"),
        ("n = '7'", "cannot compare BIGINT with TEXT"),
        ("t + 1", "arithmetic needs BIGINT or DOUBLE, found TEXT: t"),
        ("b * 2", "arithmetic needs BIGINT or DOUBLE, found BOOLEAN: b"),
        ("at * 2", "arithmetic needs BIGINT or DOUBLE, found TIMESTAMP: at"),
        ("n AND b", "a condition has to be BOOLEAN, found BIGINT: n"),
        ("NOT t", "the operand of NOT has to be BOOLEAN, found TEXT: t"),
        ("coalesce(n, 'x')", "coalesce mixes BIGINT and TEXT"),
        ("CASE WHEN b THEN 1 ELSE 'x' END", "CASE mixes BIGINT and TEXT"),
        ("CASE WHEN n THEN 1 END", "a condition has to be BOOLEAN, found BIGINT: n"),
        ("n IN (1, 'x')", "cannot compare BIGINT with TEXT"),
        ("n LIKE '7%'", "the left side of LIKE has to be TEXT, found BIGINT: n"),
        ("lower(n)", "an argument of lower has to be TEXT, found BIGINT: n"),
        ("n -> 'a'", "the left side of a JSON path has to be JSON, found BIGINT: n"),
        ("j -> true", "a JSON path needs a field's name or an index, found BOOLEAN"),
        ("j = 'x'", "JSON cannot be compared"),
        ("at = 'yesterday'", "'yesterday' is no TIMESTAMP; expected ISO 8601"),
        ("at = t", "cannot compare TIMESTAMP with TEXT; expected CAST"),
        ("CAST(b AS TIMESTAMP)", "cannot cast BOOLEAN to TIMESTAMP"),
        ("CAST(n AS BLOB)", "unknown type BLOB in a cast; expected TEXT, BIGINT"),
        ("EXTRACT(HOUR FROM t)", "EXTRACT's argument has to be TIMESTAMP, found TEXT: t"),
        ("EXTRACT(FORTNIGHT FROM at)", "unknown part of a timestamp \"FORTNIGHT\"; expected one of YEAR"),
        ("lenght(t)", "unknown function \"lenght\"; expected one of count"),
        ("lenght(t)", "did you mean \"length\"?"),
        ("nullif(n)", "nullif takes 2 arguments, found 1"),
        ("abs(t)", "abs needs BIGINT or DOUBLE, found TEXT: t"),
        ("round(x, 1.5)", "round's second argument counts digits"),
        ("n & 1", "operator & is not supported"),
        ("\"userid\"", "unknown column \"userid\""),
        ("q.n", "unknown table \"q\"; expected s"),
        ("(SELECT 1)", "subqueries are supported in FROM only"),
        ("at + INTERVAL '1' MONTH", "expected an interval such as"),
        ("count(n)", "count cannot stand in another aggregate"),
        ("json_value(j, '$.')", "found '$.'; expected a JSON path such as '$.items[0].price'"),
        ("json_value(t, '$.a')", "the first argument of json_value has to be JSON, found TEXT: t"),
        ("cardinality(t)", "an argument of cardinality has to be JSON, found TEXT: t"),
        ("date_trunc('fortnight', at)", "found 'fortnight'; expected one of 'second', 'minute'"),
        ("date_trunc(t, at)", "found t; expected one of 'second', 'minute'"),
        ("date_trunc('hour', t)", "the second argument of date_trunc has to be TIMESTAMP, found TEXT: t"),
        ("to_timestamp(b)", "to_timestamp takes a TEXT or a number of seconds, found BOOLEAN: b"),
        ("epoch_ms(x)", "epoch_ms takes a TIMESTAMP or a BIGINT, found DOUBLE: x"),
        ("position(n IN t)", "an argument of position has to be TEXT, found BIGINT: n"),
        ("split_part(t, 'a')", "split_part takes 3 arguments, found 2"),
        ("lpad(t)", "lpad takes 2 to 3 arguments, found 1"),
        ("sqrt(t)", "an argument of sqrt has to be DOUBLE, found TEXT: t"),
        ("window_funnel(INTERVAL '1' MINUTE, b)", "window_funnel cannot stand in another aggregate"),
        ("lower(t) FILTER (WHERE b)", "FILTER belongs to an aggregate, and lower is none"),
        ("n OVER", "expected"),
    ] {
        let errors = bind(expression).expect_err(expression);
        assert!(errors.contains(expected), "{expression}: expected\n{expected}\nfound\n{errors}");
        assert_eq!(errors.lines().count(), 1, "{expression}: one mistake, one error:\n{errors}");
    }
}

#[test]
fn constants_are_computed_once() {
    assert_eq!(bind("7 * 24 * 60").unwrap(), Expr::Literal(Value::Int(10_080)));
    assert_eq!(bind("true AND b").unwrap(), Expr::Column(3));
    assert_eq!(bind("b AND 1 = 2").unwrap(), Expr::Literal(FALSE));
    let at = parse_timestamp("2023-11-14").unwrap();
    assert_eq!(bind("TIMESTAMP '2023-11-14'").unwrap(), Expr::Literal(Value::Time(at)));
}

#[test]
fn what_nests_too_deeply_is_refused_before_it_hurts() {
    let many = |what: &str, between: &str, count: usize| vec![what; count].join(between);
    assert_eq!(eval(&many("n", " + ", 190)), Value::Int(7 * 190));
    assert_eq!(eval(&many("n = 8", " OR ", 90)), FALSE);
    assert_eq!(eval(&format!("n IN ({})", many("7", ", ", 5000))), TRUE);
    assert_eq!(eval(&many("(n = 8 AND b AND x > 1)", " OR ", 190)), FALSE);
    assert_eq!(eval(&format!("coalesce({})", many("n + n + n", ", ", 500))), Value::Int(21));
    for deep in [
        many("n", " + ", 100_000),
        many("n = 7", " OR ", 100_000),
        format!("{}n", "- ".repeat(100_000)),
        format!("{} b", "NOT ".repeat(100_000)),
        format!("{}n{}", "(".repeat(500), ")".repeat(500)),
        format!("n{}", "::TEXT::BIGINT".repeat(5000)),
        format!("j{}", " -> 'a'".repeat(5000)),
        format!("b{}", " IS TRUE".repeat(5000)),
        format!("{}n{}", "abs(".repeat(500), ")".repeat(500)),
        format!("{}n{}", "CASE WHEN b THEN ".repeat(500), " END".repeat(500)),
        format!("n{}", "[1]".repeat(5000)),
        format!("n{}", ".a".repeat(5000)),
        "SELECT (".repeat(500),
        format!("(SELECT * FROM s{})", " UNION ALL SELECT * FROM s".repeat(5000)),
    ] {
        let errors = bind(&deep).expect_err("too deep");
        assert!(errors.contains("deep"), "{}: {}", &deep[..40], &errors[..errors.len().min(300)]);
    }
}
