//! `WITH (text_topic = '...', template = '...')`: rows told as sentences.

use crate::sql::{
    error::{Diagnostics, Place},
    options::WithOptions,
    plan::{Output, Sentence},
    template,
};

/// The options, before the view's columns are known.
pub(super) struct SentenceDraft {
    topic: String,
    template: (String, Place),
}

impl SentenceDraft {
    /// Takes both options out; either needs the other.
    pub(super) fn read(
        options: &mut WithOptions,
        json_topic: Option<&str>,
        errors: &mut Diagnostics,
    ) -> Option<Self> {
        match (options.text("text_topic", errors), options.text("template", errors)) {
            (Some((topic, at)), _) if Some(topic.as_str()) == json_topic => {
                let message = format!(
                    "option \"text_topic\" is '{topic}', where the rows go as JSON; expected another topic"
                );
                errors.error(&at, message);
                None
            }
            (Some((topic, _)), Some(template)) => Some(Self { topic, template }),
            (Some((_, at)), None) => {
                let message = "option \"text_topic\" needs a template; expected one such as \
                               template = '{user_id} has clicked {clicks} times.'";
                errors.error(&at, message);
                None
            }
            (None, Some((_, at))) => {
                let message =
                    "option \"template\" needs a topic for its text; expected text_topic = '...' beside it";
                errors.error(&at, message);
                None
            }
            (None, None) => None,
        }
    }

    /// Finds the columns that the holes name.
    pub(super) fn bind(self, outputs: &[Output], errors: &mut Diagnostics) -> Option<Sentence> {
        let (text, place) = self.template;
        let names = outputs.iter().map(|output| output.field.name.as_str());
        let names = names.chain(Sentence::BEYOND);
        let template = template::read("template", &text, &names, &place, errors, |_, _, _| ())?;
        Some(Sentence { topic: self.topic, template })
    }
}
