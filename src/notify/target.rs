//! Where alerts go, read from one line of settings.
//!
//! ```text
//! https://example.com/alerts                       the alert as JSON
//! slack+https://hooks.slack.com/services/T0/B0/xyz  a message of Slack's
//! sns:arn:aws:sns:eu-central-1:123456789012:alerts  e-mail, SMS, queues: the topic's subscriptions
//! sms:+4915112345678                                a phone
//! ```
//!
//! What stands behind `#` is for Weir and sent nowhere, so that it is never mistaken for a part of the
//! address: `https://example.com/alerts#min_severity=HIGH&in_flight=2`.
//!
//! An address is a secret: who knows a webhook's path may post to it. [`Debug`](fmt::Debug) and
//! [`Display`](fmt::Display) show no more than the host, and no error shows what it found.

use std::{fmt, num::NonZeroUsize};

use super::{Severity, webhook::Webhook};
use crate::targets::{self, TargetError};

/// A target of alerts.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) channel: Channel,
    pub(super) min_severity: Severity,
    pub(super) in_flight: NonZeroUsize,
}

/// How a target is reached.
#[derive(Clone)]
pub(super) enum Channel {
    /// An HTTP server that takes alerts as JSON.
    Webhook(Webhook),
    /// A server that takes messages in Slack's format.
    Slack(Webhook),
    /// A topic of SNS.
    Topic(TopicArn),
    /// A phone, through SNS.
    Phone(Phone),
}

/// The name of an SNS topic.
#[derive(Clone)]
pub(super) struct TopicArn {
    /// All of it.
    pub(super) text: String,
    /// Its region.
    pub(super) region: String,
}

/// A phone number: `+` and digits.
#[derive(Clone)]
pub(super) struct Phone(pub(super) String);

impl Target {
    /// Reads a list: targets between commas or white space.
    pub fn list(text: &str) -> Result<Vec<Self>, TargetError> {
        targets::list(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, String> {
        let (address, options) = text.split_once('#').unwrap_or((text, ""));
        let channel = Channel::read(address)?;
        let (min_severity, in_flight) = (Severity::Info, channel.in_flight());
        let mut target = Self { channel, min_severity, in_flight };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            target.set(option)?;
        }
        Ok(target)
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        match option.split_once('=') {
            Some(("min_severity", name)) => {
                let expected = || "min_severity is none of CRITICAL, HIGH, MEDIUM, LOW and INFO".to_owned();
                self.min_severity = Severity::named(name).ok_or_else(expected)?;
            }
            Some(("in_flight", number)) => {
                let number = number.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 100);
                self.in_flight = number.ok_or("in_flight is no number from 1 to 100")?;
            }
            _ => {
                return Err(
                    "behind # may stand min_severity=NAME and in_flight=NUMBER, joined by &".to_owned()
                );
            }
        }
        Ok(())
    }

    /// A text of the other side with every part of the address taken out that is a secret.
    pub(super) fn scrub(&self, text: &str) -> String {
        match &self.channel {
            Channel::Webhook(hook) | Channel::Slack(hook) => hook.scrub(text),
            Channel::Topic(_) => text.to_owned(),
            Channel::Phone(Phone(number)) => text.replace(number.trim_start_matches('+'), "…"),
        }
    }
}

impl Channel {
    fn read(address: &str) -> Result<Self, String> {
        if let Some(url) = address.strip_prefix("slack+") {
            return Webhook::read(url).map(Self::Slack);
        }
        if address.starts_with("http://") || address.starts_with("https://") {
            let hook = Webhook::read(address)?;
            // It takes no other format.
            return Ok(if hook.is_slacks() { Self::Slack(hook) } else { Self::Webhook(hook) });
        }
        match address.split_once(':') {
            Some(("sns", arn)) => TopicArn::read(arn).map(Self::Topic),
            Some(("sms", number)) => Phone::read(number).map(Self::Phone),
            _ => Err("expected https://..., slack+https://..., sns:arn:aws:sns:... or sms:+...".to_owned()),
        }
    }

    /// How many requests at once unless the target says otherwise: Slack takes a message a second, and
    /// readers want them in order; so does a FIFO topic.
    fn in_flight(&self) -> NonZeroUsize {
        let many = match self {
            Self::Webhook(_) | Self::Phone(_) => true,
            Self::Topic(topic) => !topic.is_fifo(),
            Self::Slack(_) => false,
        };
        NonZeroUsize::new(if many { 8 } else { 1 }).unwrap_or(NonZeroUsize::MIN)
    }
}

impl TopicArn {
    fn read(text: &str) -> Result<Self, String> {
        match *text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "sns", region, account, name]
                if [partition, region, account, name].iter().all(|part| !part.is_empty()) =>
            {
                Ok(Self { text: text.to_owned(), region: region.to_owned() })
            }
            _ => Err("expected a topic as sns:arn:aws:sns:REGION:ACCOUNT:NAME".to_owned()),
        }
    }

    /// Whether it keeps order, and drops by itself what comes twice within five minutes.
    pub(super) fn is_fifo(&self) -> bool {
        self.text.rsplit_once('.').is_some_and(|(_, kind)| kind == "fifo")
    }
}

impl Phone {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let fits = digits.is_some_and(|digits| (5..=15).contains(&digits.len()) && !digits.starts_with('0'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected a phone as sms:+4915112345678".to_owned())
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(hook) => write!(f, "{hook}"),
            Self::Slack(hook) => write!(f, "slack+{hook}"),
            Self::Topic(topic) => write!(f, "sns:{}", topic.text),
            Self::Phone(Phone(number)) => {
                let last: String = number.chars().skip(number.len().saturating_sub(2)).collect();
                write!(f, "sms:…{last}")
            }
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
