//! `[delivery]`: how hard to try.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use super::error::Mistake;
use super::section::Section;
use super::{Delivery, Durability, InDoubt};

impl Default for Delivery {
    fn default() -> Self {
        Delivery {
            attempts: 4,
            first_delay: Duration::from_secs(30),
            longest_delay: Duration::from_secs(30 * 60),
            in_doubt: InDoubt::Hold,
            stop_after: 25,
            give_up: Duration::from_secs(15 * 60),
            durability: Durability::Power,
        }
    }
}

pub(super) fn read(root: &DeTable<'_>) -> Result<Delivery, Mistake> {
    let section = Section::of(root, "delivery", "[delivery]");
    let default = Delivery::default();
    let duration = |key, default| {
        let written = section.duration(key)?;
        Ok(written.map_or(default, Spanned::into_inner))
    };
    let in_doubt = section.choice(
        "in_doubt",
        &[("hold", InDoubt::Hold), ("resend", InDoubt::Resend)],
    )?;
    let durability = section.choice(
        "durability",
        &[
            ("power", Durability::Power),
            ("process", Durability::Process),
        ],
    )?;
    Ok(Delivery {
        attempts: section
            .number("attempts", 1..=500)?
            .unwrap_or(default.attempts),
        first_delay: duration("first_delay", default.first_delay)?,
        longest_delay: duration("longest_delay", default.longest_delay)?,
        in_doubt: in_doubt.map_or(default.in_doubt, Spanned::into_inner),
        stop_after: section
            .number("stop_after", 1..=u32::MAX)?
            .unwrap_or(default.stop_after),
        give_up: duration("give_up", default.give_up)?,
        durability: durability.map_or(default.durability, Spanned::into_inner),
    })
}
