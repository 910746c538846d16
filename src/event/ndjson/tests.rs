use std::io::{BufReader, Cursor};

use super::*;
use crate::{
    event::{fixture::table, murmur2},
    sql::{Format, Hole, Template},
};

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// A partition, and offset and value of each record.
type Spelled = (i32, Vec<(i64, String)>);

/// All batches of an input.
fn read(input: &[u8], partitions: NonZeroU32, max: usize, buffer: usize) -> Vec<Vec<Spelled>> {
    let table = table();
    let mut reader = NdjsonReader::new(BufReader::with_capacity(buffer, input), &table, partitions);
    let mut all = Vec::new();
    while let Some(lines) = reader.next_batch(max).expect("it can be read") {
        assert_eq!(lines.records, lines.batches.iter().map(|batch| batch.records.len()).sum::<usize>());
        let spell = |batch: &RawBatch| {
            let text =
                |record: &RawRecord| String::from_utf8_lossy(&batch.bytes[record.value.clone()]).into_owned();
            (
                batch.partition,
                batch.records.iter().map(|record| (record.offset.number().unwrap(), text(record))).collect(),
            )
        };
        all.push(lines.batches.iter().map(spell).collect());
    }
    all
}

#[test]
fn lines_are_records_and_blank_ones_are_none() {
    let input = b"\n{\"a\":1}\r\n  \n\r\nno json\n\xff\n{}";
    let lines = |range: std::ops::Range<usize>| -> Vec<(i64, String)> {
        let all = ["{\"a\":1}", "no json", "\u{fffd}", "{}"];
        (0..)
            .zip(all)
            .skip(range.start)
            .take(range.len())
            .map(|(offset, text)| (offset, text.to_owned()))
            .collect()
    };
    for buffer in [1, 3, 4096] {
        assert_eq!(read(input, ONE, 10, buffer), [[(0, lines(0..4))]], "a buffer of {buffer}");
        assert_eq!(read(input, ONE, 3, buffer), [[(0, lines(0..3))], [(0, lines(3..4))]]);
        assert_eq!(read(input, ONE, 0, buffer).len(), 4, "at least one a batch");
    }
}

#[test]
fn an_input_without_records_has_no_batch() {
    for input in [&b""[..], b"\n", b" \r\n\n "] {
        assert!(read(input, ONE, 10, 4096).is_empty());
    }
}

#[test]
fn keys_choose_the_partition_as_in_kafka() {
    let three = NonZeroU32::new(3).expect("three");
    let keys = ["p1", "p2", "é", "p1", "a long product id", ""];
    let input: String = keys.map(|key| format!("{{\"n\":1,\"product\":\"{key}\"}}")).join("\n");
    let batches = read(input.as_bytes(), three, 100, 4096).swap_remove(0);
    for (partition, records) in &batches {
        let offsets: Vec<_> = records.iter().map(|(offset, _)| *offset).collect();
        assert_eq!(offsets, (0..).take(records.len()).collect::<Vec<_>>());
        for key in keys {
            let line = format!("{{\"n\":1,\"product\":\"{key}\"}}");
            let expected = partition_of(key.as_bytes(), 3) == partition.cast_unsigned();
            assert_eq!(records.iter().any(|(_, text)| *text == line), expected, "{key} in {partition}");
        }
    }
    assert_eq!(batches.iter().map(|(_, records)| records.len()).sum::<usize>(), keys.len());
}

#[test]
fn offsets_go_on_from_batch_to_batch() {
    let two = NonZeroU32::new(2).expect("two");
    let line = "{\"product\":\"p1\"}\n";
    let offsets: Vec<_> = read(line.repeat(5).as_bytes(), two, 2, 4096)
        .into_iter()
        .flatten()
        .flat_map(|(_, records)| records)
        .map(|(offset, _)| offset)
        .collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
}

#[test]
fn lines_without_a_key_take_turns() {
    let two = NonZeroU32::new(2).expect("two");
    let input = b"{}\nno json\n{\"product\":null}\n{\"product\":5}\n";
    let batches = read(input, two, 100, 4096).swap_remove(0);
    let texts = |index: usize| batches[index].1.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>();
    assert_eq!(texts(0), ["{}", "{\"product\":null}"]);
    assert_eq!(texts(1), ["no json", "{\"product\":5}"]);
}

#[test]
fn a_line_without_end_is_an_error_that_names_it() {
    let table = table();
    let mut input = b"{}\n\n".to_vec();
    input.resize(input.len() + MAX_LINE, b'x');
    let mut reader = NdjsonReader::new(Cursor::new(&input), &table, ONE);
    assert_eq!(reader.next_batch(10).expect("it fits").map(|lines| lines.records), Some(2));
    input.push(b'x');
    let mut reader = NdjsonReader::new(Cursor::new(&input), &table, ONE);
    let error = reader.next_batch(10).expect_err("one byte too many");
    assert_eq!(error.to_string(), "line 3 is longer than 16 MB");
}

/// The partitions that lines of a table get, of five.
fn partitions(table: &Table, lines: &str) -> Vec<i32> {
    let mut reader = NdjsonReader::new(lines.as_bytes(), table, NonZeroU32::new(5).unwrap());
    let mut partitions = Vec::new();
    while let Some(lines) = reader.next_batch(1).unwrap() {
        partitions.extend(lines.batches.iter().map(|batch| batch.partition));
    }
    partitions
}

fn partition(key: &str) -> i32 {
    i32::try_from((murmur2(key.as_bytes()) & 0x7fff_ffff) % 5).unwrap()
}

#[test]
fn plain_text_goes_to_the_partition_of_the_key_in_its_hole() {
    let hole = |slot, then: &str| Hole { slot, then: then.into() };
    let format =
        Format::Text(Template { lead: "User ".into(), holes: vec![hole(2, " clicked on "), hole(1, "")] });
    let by_text = Table { format: format.clone(), ..table() };
    let lines = "User 7 clicked on /page3\nUser 7 clicked on é\r\nnonsense";
    // What has no key takes its turn.
    assert_eq!(partitions(&by_text, lines), [partition("/page3"), partition("é"), 0]);
    let by_number = Table { key: Some(2), format, ..table() };
    assert_eq!(
        partitions(&by_number, "User 007 clicked on /\nUser 12 clicked on /"),
        [partition("7"), partition("12")]
    );
}

#[test]
fn json_goes_to_the_partition_of_the_field_that_feeds_its_key() {
    let mut table = table();
    table.columns[1].fields = vec!["productId".into(), "product".into()];
    let lines = r#"{"product":"a","productId":"b"}
        {"productId":null,"product":"c"}
        {"product":"d"}"#;
    assert_eq!(partitions(&table, lines), [partition("b"), partition("c"), partition("d")]);
}
