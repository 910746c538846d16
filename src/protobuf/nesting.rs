//! How deep a file is nested, before it is compiled: the compiler goes into options as deep as they go.

/// The deepest nesting of brackets in a file, whatever they are for. Comments and strings have none.
pub(super) fn nesting(text: &str) -> usize {
    let mut rest = text.as_bytes();
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'{' | b'[' | b'<' => {
                depth += 1;
                deepest = deepest.max(depth);
                behind
            }
            b'}' | b']' | b'>' => {
                depth = depth.saturating_sub(1);
                behind
            }
            b'/' if behind.first() == Some(&b'/') => behind_text(behind, b"\n"),
            b'/' if behind.first() == Some(&b'*') => behind_text(behind, b"*/"),
            b'#' => behind_text(behind, b"\n"),
            quote @ (b'"' | b'\'') => behind_quote(behind, *quote),
            _ => behind,
        };
    }
    deepest
}

fn behind_text<'t>(text: &'t [u8], end: &[u8]) -> &'t [u8] {
    let at = memchr::memmem::find(text, end);
    at.and_then(|at| text.get(at + end.len()..)).unwrap_or_default()
}

fn behind_quote(text: &[u8], quote: u8) -> &[u8] {
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'\\' => behind.get(1..).unwrap_or_default(),
            end if *end == quote => return behind,
            _ => behind,
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn brackets_are_counted_where_they_are_some() {
        let cases = [
            ("", 0),
            ("message A { map<string, int32> m = 1 [(x) = { y: [1] }]; } message B {}", 4),
            ("// {{{\n/* [[[ */ # <<<\n{", 1),
            (r#"{ "\"{{{" '{"{' }"#, 1),
            ("}}}{", 1),
            ("\"{{{", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(nesting(text), expected, "{text}");
        }
    }
}
