//! Misbehaviour chosen by an envelope address; the table is in the [module's documentation](super).

use std::time::Duration;

use crate::outcome::{Enhanced, Stage};

/// What the sandbox does instead of the ordinary thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    RefuseMail(Refusal),
    RefuseRcpt(Refusal),
    EscapeReply,
    SlowRcpt(Duration),
    CloseAtRcpt,
    RefuseData(Refusal),
    CloseAtData,
    DropBeforeDot,
    RefuseInBody,
    RefuseDot(Refusal),
    DropAfterDot,
    HangAtDot,
    GarbageAtDot,
    LongReply,
    EndlessReply,
    ByteAtATime,
    MultilineReply,
    SlowDot(Duration),
}

/// A behaviour, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) behaviour: Behaviour,
    /// Only at the first attempt for the address.
    pub(super) once: bool,
}

/// A code to refuse with, 400 to 599, and the enhanced code where the address names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) enhanced: Option<Enhanced>,
}

impl Wish {
    /// What an address, without angle brackets, asks for.
    pub(super) fn of(address: &str) -> Option<Wish> {
        let (local, _) = address.rsplit_once('@')?;
        let local = local.split_once('+').map_or(local, |(name, _)| name);
        let (name, once) = local
            .strip_suffix("-once")
            .map_or((local, false), |name| (name, true));
        Some(Wish {
            behaviour: Behaviour::named(name)?,
            once,
        })
    }
}

impl Behaviour {
    fn named(name: &str) -> Option<Behaviour> {
        use Behaviour::*;
        Some(match name {
            "escape-reply" => EscapeReply,
            "close-at-rcpt" => CloseAtRcpt,
            "close-at-data" => CloseAtData,
            "drop-before-dot" | "close-in-body" => DropBeforeDot,
            "421-in-body" => RefuseInBody,
            "drop-after-dot" => DropAfterDot,
            "hang-at-dot" => HangAtDot,
            "garbage-at-dot" => GarbageAtDot,
            "long-reply" => LongReply,
            "endless-reply" => EndlessReply,
            "byte-at-a-time" => ByteAtATime,
            "multiline-reply" => MultilineReply,
            _ => {
                let (kind, detail) = name.split_once('-')?;
                match kind {
                    "mail" => RefuseMail(Refusal::parse(detail)?),
                    "rcpt" => RefuseRcpt(Refusal::parse(detail)?),
                    "data" => RefuseData(Refusal::parse(detail)?),
                    "dot" => RefuseDot(Refusal::parse(detail)?),
                    "slow" => match detail.strip_prefix("rcpt-") {
                        Some(detail) => SlowRcpt(duration(detail)?),
                        None => SlowDot(duration(detail)?),
                    },
                    _ => return None,
                }
            }
        })
    }

    /// Where in the dialogue it shows.
    pub(super) fn stage(self) -> Stage {
        use Behaviour::*;
        match self {
            RefuseMail(_) => Stage::Mail,
            RefuseRcpt(_) | EscapeReply | SlowRcpt(_) | CloseAtRcpt => Stage::Rcpt,
            RefuseData(_) | CloseAtData => Stage::Data,
            DropBeforeDot | RefuseInBody => Stage::Body,
            RefuseDot(_) | DropAfterDot | HangAtDot | GarbageAtDot | LongReply | EndlessReply
            | ByteAtATime | MultilineReply | SlowDot(_) => Stage::EndOfData,
        }
    }
}

impl Refusal {
    /// `550` or `550-5.7.1`.
    fn parse(text: &str) -> Option<Refusal> {
        let (code, enhanced) = match text.split_once('-') {
            Some((code, enhanced)) => (code, Some(parse_enhanced(enhanced)?)),
            None => (text, None),
        };
        let code = number(code, 3)?;
        (400..600)
            .contains(&code)
            .then_some(Refusal { code, enhanced })
    }

    /// The enhanced code to answer with at this stage, and a text to go with it.
    pub(super) fn answer(self, stage: Stage) -> (Enhanced, &'static str) {
        let class = if self.code < 500 { 4 } else { 5 };
        let (subject, detail, text) = match (stage, class) {
            _ if self.code == 421 => (3, 2, "closing this connection"),
            (Stage::Mail, 4) => (3, 0, "not from this sender for now"),
            (Stage::Mail, _) => (7, 1, "not from this sender"),
            (Stage::Rcpt, 4) => (2, 0, "not to this recipient for now"),
            (Stage::Rcpt, _) => (1, 1, "no such recipient"),
            (Stage::EndOfData, 5) => (7, 1, "this message is refused"),
            (_, 4) => (3, 0, "this message is not taken for now"),
            (_, _) => (3, 0, "no content is taken"),
        };
        (
            self.enhanced.unwrap_or(Enhanced(class, subject, detail)),
            text,
        )
    }
}

fn parse_enhanced(text: &str) -> Option<Enhanced> {
    let mut parts = text.splitn(3, '.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let class = number(class, 1).filter(|class| [2, 4, 5].contains(class))?;
    Some(Enhanced(
        u8::try_from(class).ok()?,
        number(subject, 3)?,
        number(detail, 3)?,
    ))
}

/// `2s` or `200ms`, five digits at most.
fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = match text.strip_suffix("ms") {
        Some(count) => (count, 1),
        None => (text.strip_suffix('s')?, 1000),
    };
    if count.is_empty() || count.len() > 5 || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(count.parse::<u64>().ok()? * unit))
}

fn number(text: &str, most_digits: usize) -> Option<u16> {
    let fits = text.len() <= most_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn refusal(code: u16, enhanced: Option<Enhanced>) -> Refusal {
        Refusal { code, enhanced }
    }

    #[test]
    fn the_local_part_chooses() {
        let spam = Some(Enhanced(5, 7, 1));
        for (address, behaviour, once) in [
            (
                "mail-421@x",
                Behaviour::RefuseMail(refusal(421, None)),
                false,
            ),
            (
                "rcpt-450-once@x",
                Behaviour::RefuseRcpt(refusal(450, None)),
                true,
            ),
            (
                "rcpt-550+17@x",
                Behaviour::RefuseRcpt(refusal(550, None)),
                false,
            ),
            (
                "dot-554-5.7.1-once+a+b@x",
                Behaviour::RefuseDot(refusal(554, spam)),
                true,
            ),
            (
                "slow-2s@x",
                Behaviour::SlowDot(Duration::from_secs(2)),
                false,
            ),
            (
                "slow-rcpt-200ms@x",
                Behaviour::SlowRcpt(Duration::from_millis(200)),
                false,
            ),
            ("close-in-body-once@x", Behaviour::DropBeforeDot, true),
        ] {
            assert_eq!(
                Wish::of(address),
                Some(Wish { behaviour, once }),
                "{address}"
            );
        }
    }

    #[test]
    fn other_addresses_ask_for_nothing() {
        for address in [
            "",
            "x",
            "rcpt-550",
            "rcpt-250@x",
            "rcpt-600@x",
            "rcpt-5500@x",
            "rcpt-+550@x",
            "rcpt-550-17@x",
            "rcpt-550-9.1.1@x",
            "slow-s@x",
            "slow-123456s@x",
            "slow-rcpt-@x",
            "-once@x",
            "ann+rcpt-550@x",
            "Ann@x",
        ] {
            assert_eq!(Wish::of(address), None, "{address}");
        }
    }

    #[test]
    fn every_row_of_the_documented_table_is_understood() {
        let rows = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `"));
        let names: Vec<_> = rows.map(|row| row.split_once('`').unwrap().0).collect();
        assert_eq!(names.len(), 19);
        for name in names {
            let address = name.replace("CODE", "451").replace("DURATION", "5ms") + "@x";
            assert!(Wish::of(&address).is_some(), "{name}");
        }
    }
}
