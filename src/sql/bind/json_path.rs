//! SQL's JSON paths: `$.items[0]."list price"`.

use std::borrow::Cow;

use crate::{sql::expr::Expr, value::Value};

/// What a path may look like, for errors.
pub(super) const EXPECTED: &str = "a JSON path such as '$.items[0].price'";

/// The steps of a path: fields' names and indexes; None if it is no path.
pub(super) fn parse(path: &str) -> Option<Vec<Expr>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        (step, rest) = match rest.strip_prefix('.') {
            Some(behind) => field(behind)?,
            None => subscript(rest.strip_prefix('[')?)?,
        };
        steps.push(Expr::Literal(step));
    }
    Some(steps)
}

/// `name` or `"any name"`.
fn field(text: &str) -> Option<(Value<'static>, &str)> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, behind) = text.split_at_checked(end)?;
    let plain = !name.is_empty() && !name.contains(['*', '\'', '"', ']', '?', '(', '@', ' ']);
    plain.then(|| (name_of(name), behind))
}

/// `0]` or `'any name']`.
fn subscript(text: &str) -> Option<(Value<'static>, &str)> {
    let (step, behind) = if text.starts_with(['\'', '"']) {
        quoted(text)?
    } else {
        let (index, behind) = text.split_at_checked(text.find(']')?)?;
        let index = index.trim().parse::<u32>().ok()?;
        (Value::Int(index.into()), behind)
    };
    Some((step, behind.strip_prefix(']')?))
}

fn quoted(text: &str) -> Option<(Value<'static>, &str)> {
    let quote = text.chars().next()?;
    let (name, behind) = text.strip_prefix(quote)?.split_once(quote)?;
    Some((name_of(name), behind))
}

fn name_of(name: &str) -> Value<'static> {
    Value::Text(Cow::Owned(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_fields_and_indexes() {
        let steps = |path| parse(path).map(|steps| format!("{steps:?}"));
        let step = |values: &[Value<'static>]| {
            Some(format!("{:?}", values.iter().cloned().map(Expr::Literal).collect::<Vec<_>>()))
        };
        assert_eq!(steps("$"), step(&[]));
        assert_eq!(steps("$.a.b[0]"), step(&[name_of("a"), name_of("b"), Value::Int(0)]));
        assert_eq!(steps(" $[12]['it.s'].\"x y\""), step(&[Value::Int(12), name_of("it.s"), name_of("x y")]));
        assert_eq!(steps("$.größe-2"), step(&[name_of("größe-2")]));
        for bad in [
            "", "a", ".a", "$a", "$.", "$..a", "$.*", "$[*]", "$[", "$[0", "$[-1]", "$[a]", "$.\"a", "$.a ] ",
        ] {
            assert_eq!(steps(bad), None, "{bad}");
        }
    }
}
