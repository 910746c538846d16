//! Texts with named holes: `User {user_id} clicked on {url}`.
//!
//! `{name}` is a hole, `{{` and `}}` are braces. One form serves both ways: a table's `pattern` takes
//! records apart, a view's `template` puts rows together.

use std::ops::Range;

use sqlparser::ast::Ident;

use super::{
    error::{Diagnostics, Place},
    names::{self, Match},
};

/// A text with holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// What stands before the first hole.
    pub lead: String,
    /// The holes.
    pub holes: Vec<Hole>,
}

/// A hole and the text behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// What it is for: a column's index, say.
    pub slot: usize,
    /// What stands between it and the next, or the end.
    pub then: String,
}

impl Template {
    /// The text, each hole written by `fill`.
    pub fn render(&self, mut fill: impl FnMut(usize, &mut String)) -> String {
        let mut text = self.lead.clone();
        for hole in &self.holes {
            fill(hole.slot, &mut text);
            text.push_str(&hole.then);
        }
        text
    }

    /// The text as it is written in SQL, with the names of the slots.
    pub fn display(&self, name: impl Fn(usize) -> String) -> String {
        let escape = |text: &str| text.replace('{', "{{").replace('}', "}}");
        let holes = self.holes.iter().map(|hole| format!("{{{}}}{}", name(hole.slot), escape(&hole.then)));
        escape(&self.lead) + holes.collect::<String>().as_str()
    }
}

/// A template whose holes have no slots yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Draft<'t> {
    lead: String,
    holes: Vec<DraftHole<'t>>,
}

#[derive(Debug, PartialEq, Eq)]
struct DraftHole<'t> {
    name: &'t str,
    /// Where it stands in the text, with its braces.
    span: Range<usize>,
    then: String,
}

impl<'t> Draft<'t> {
    /// Cuts a text at its holes; or says where and what is wrong.
    fn cut(text: &'t str) -> Result<Self, (Range<usize>, &'static str)> {
        let (mut draft, mut rest) = (Self::default(), text);
        while let Some(found) = rest.find(['{', '}']) {
            let (literal, tail) = rest.split_at(found);
            draft.push(literal);
            let start = text.len() - tail.len();
            let brace = tail.get(..2).filter(|two| matches!(*two, "{{" | "}}"));
            if let Some(brace) = brace {
                draft.push(brace.get(1..).unwrap_or_default());
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            let Some(inner) = tail.strip_prefix('{') else {
                return Err((start..start + 1, "`}` closes nothing; expected `}}` for a brace"));
            };
            let Some((name, behind)) = inner.split_once('}') else {
                let message = "`{` is not closed; expected a hole such as {user_id}, or `{{` for a brace";
                return Err((start..text.len(), message));
            };
            let span = start..text.len() - behind.len();
            draft.holes.push(DraftHole { name: name.trim(), span, then: String::new() });
            rest = behind;
        }
        draft.push(rest);
        Ok(draft)
    }

    fn push(&mut self, literal: &str) {
        self.holes.last_mut().map_or(&mut self.lead, |hole| &mut hole.then).push_str(literal);
    }
}

/// Reads the text of an option; the names in its holes are among `candidates`, and their indexes are
/// the slots. `check` is given each hole's place, slot and text behind it in turn.
pub(super) fn read<'a>(
    option: &str,
    text: &str,
    candidates: &(impl Iterator<Item = &'a str> + Clone),
    place: &Place,
    errors: &mut Diagnostics,
    mut check: impl FnMut(&Place, &Hole, &mut Diagnostics),
) -> Option<Template> {
    let draft = match Draft::cut(text) {
        Ok(draft) => draft,
        Err((part, message)) => {
            errors.error(&place.within(text, part), format!("{message}, in option \"{option}\""));
            return None;
        }
    };
    let mut template = Template { lead: draft.lead, holes: Vec::new() };
    let mut is_known = true;
    for DraftHole { name, span, then } in draft.holes {
        let place = place.within(text, span);
        if let Match::One(slot) = names::find(&Ident::new(name), candidates.clone()) {
            let hole = Hole { slot, then };
            check(&place, &hole, errors);
            template.holes.push(hole);
        } else {
            let unknown = names::unknown("column", name, candidates.clone());
            errors.error(&place, format!("{unknown} in option \"{option}\""));
            is_known = false;
        }
    }
    is_known.then_some(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(text: &str) -> (String, Vec<(&str, &str)>) {
        let draft = Draft::cut(text).unwrap();
        let then: Vec<String> = draft.holes.iter().map(|hole| hole.then.clone()).collect();
        let names = draft.holes.iter().map(|hole| hole.name);
        let spans = draft.holes.iter().map(|hole| &text[hole.span.clone()]);
        assert!(names.clone().zip(spans).all(|(name, span)| span.trim_matches(['{', '}', ' ']) == name));
        (draft.lead, names.zip(then.into_iter().map(|then| &*then.leak())).collect())
    }

    #[test]
    fn a_text_is_cut_at_its_holes() {
        assert_eq!(
            holes("User {user_id} clicked on { url }"),
            ("User ".into(), vec![("user_id", " clicked on "), ("url", "")])
        );
        assert_eq!(holes("{a}{b}"), (String::new(), vec![("a", ""), ("b", "")]));
        assert_eq!(holes("{{{a}}}{{}}"), ("{".into(), vec![("a", "}{}")]));
        assert_eq!(holes("no hole"), ("no hole".into(), vec![]));
    }

    #[test]
    fn a_brace_that_fits_nothing_is_found_where_it_stands() {
        let mistake = |text| Draft::cut(text).unwrap_err();
        assert_eq!(mistake("ü {user_id").0, 3..11);
        assert_eq!(mistake("a } b").0, 2..3);
        assert!(mistake("{a}}").1.starts_with("`}` closes nothing"));
    }

    #[test]
    fn a_template_reads_as_it_was_written_and_is_filled() {
        let template = Template { lead: "{ ".into(), holes: vec![Hole { slot: 7, then: " }".into() }] };
        assert_eq!(template.display(|slot| format!("c{slot}")), "{{ {c7} }}");
        assert_eq!(template.render(|slot, text| text.push_str(&slot.to_string())), "{ 7 }");
    }
}
