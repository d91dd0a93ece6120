//! One table of the settings, its values read by type; a wrong type is told at its place.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::parse_duration;
use super::error::Mistake;

/// A table, or the absence of one.
pub(super) struct Section<'a> {
    /// As written: `[recipients]`; empty for the top of the file.
    title: &'static str,
    table: Option<&'a DeTable<'a>>,
    /// Where it stands; the file's start when it is absent.
    span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The top of the file.
    pub(super) fn top(root: &'a DeTable<'a>) -> Self {
        Section {
            title: "",
            table: Some(root),
            span: 0..0,
        }
    }

    /// `[name]` of the file; what is no table there was refused by the schema.
    pub(super) fn of(root: &'a DeTable<'a>, name: &str, title: &'static str) -> Self {
        root.get(name)
            .and_then(|value| Section::table(value, title))
            .unwrap_or(Section {
                title,
                table: None,
                span: 0..0,
            })
    }

    /// A value that is a table.
    pub(super) fn table(value: &'a Spanned<DeValue<'a>>, title: &'static str) -> Option<Self> {
        value.get_ref().as_table().map(|table| Section {
            title,
            table: Some(table),
            span: value.span(),
        })
    }

    /// Where the table stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// `"key" in [table]`, as errors say it.
    pub(super) fn name(&self, key: &str) -> String {
        match self.title {
            "" => format!("{key:?}"),
            title => format!("{key:?} in {title}"),
        }
    }

    /// The value of a key, of any type.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    /// The value of a key as `take` reads it; `wanted` says what it takes.
    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Result<Option<Spanned<T>>, Mistake> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match take(value.get_ref()) {
            Some(taken) => Ok(Some(Spanned::new(value.span(), taken))),
            None => Err(self.wrong_type(key, wanted, value)),
        }
    }

    fn wrong_type(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Mistake {
        let (name, is) = (self.name(key), kind(value.get_ref()));
        Mistake::new(
            value.span(),
            format_args!("{name} must be {wanted}, not {is}"),
        )
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<Spanned<&'a str>>, Mistake> {
        self.typed(key, "a string, in quotes", DeValue::as_str)
    }

    /// A string with something in it beside white space, trimmed.
    pub(super) fn filled(&self, key: &str) -> Result<Option<Spanned<&'a str>>, Mistake> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let trimmed = text.get_ref().trim();
        if trimmed.is_empty() {
            let name = self.name(key);
            return Err(Mistake::new(text.span(), format_args!("{name} is empty")));
        }
        Ok(Some(Spanned::new(text.span(), trimmed)))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Mistake> {
        let flag = self.typed(key, "true or false", DeValue::as_bool)?;
        Ok(flag.map(Spanned::into_inner))
    }

    /// A whole number within `range`, as any integer type that holds the range's end.
    pub(super) fn number<N>(
        &self,
        key: &str,
        range: RangeInclusive<N>,
    ) -> Result<Option<N>, Mistake>
    where
        N: TryFrom<i128> + PartialOrd + std::fmt::Display,
    {
        let (low, high) = (range.start(), range.end());
        let wanted = format!("a number from {low} to {high}");
        let integer = self.typed(key, &wanted, DeValue::as_integer)?;
        let Some(integer) = integer else {
            return Ok(None);
        };
        let written = integer.get_ref();
        i128::from_str_radix(written.as_str(), written.radix())
            .ok()
            .and_then(|number| N::try_from(number).ok())
            .filter(|number| range.contains(number))
            .map(Some)
            .ok_or_else(|| {
                let name = self.name(key);
                let text = format!("{name} must be {wanted}, not {written}");
                Mistake::new(integer.span(), text)
            })
    }

    pub(super) fn duration(&self, key: &str) -> Result<Option<Spanned<Duration>>, Mistake> {
        let wanted = r#"a duration such as "30s", in quotes"#;
        let Some(text) = self.typed(key, wanted, DeValue::as_str)? else {
            return Ok(None);
        };
        match parse_duration(text.get_ref()) {
            Ok(duration) => Ok(Some(Spanned::new(text.span(), duration))),
            Err(error) => {
                let name = self.name(key);
                Err(Mistake::new(text.span(), format_args!("{name}: {error}")))
            }
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Spanned<&'a str>>, Mistake> {
        let wanted = "a list of strings";
        let Some(list) = self.typed(key, wanted, DeValue::as_array)? else {
            return Ok(Vec::new());
        };
        let texts = list.get_ref().iter().map(|item| {
            item.get_ref()
                .as_str()
                .map(|text| Spanned::new(item.span(), text))
                .ok_or_else(|| self.wrong_type(key, wanted, item))
        });
        texts.collect()
    }

    /// A string, or a list of them.
    pub(super) fn one_or_more(&self, key: &str) -> Result<Vec<Spanned<&'a str>>, Mistake> {
        match self.value(key).map(Spanned::get_ref) {
            Some(DeValue::Array(_)) => self.texts(key),
            _ => Ok(self.text(key)?.into_iter().collect()),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<Spanned<T>>, Mistake> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let word = text.get_ref();
        if let Some((_, choice)) = choices.iter().find(|(name, _)| name == word) {
            return Ok(Some(Spanned::new(text.span(), *choice)));
        }
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        let (name, names) = (self.name(key), names.join(" or "));
        Err(Mistake::new(
            text.span(),
            format_args!("{name} must be {names}, not {word:?}"),
        ))
    }
}

/// What a value is, in a user's words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What reading `value` as each type says.
    fn wrong(value: &str, read: impl FnOnce(&Section<'_>) -> Option<Mistake>) -> (usize, String) {
        let source = format!("key = {value}");
        let document = DeTable::parse(&source).unwrap();
        let mut section = Section::top(document.get_ref());
        section.title = "[table]";
        let mistake = read(&section).unwrap();
        (mistake.at, mistake.text)
    }

    #[test]
    fn each_type_says_what_it_wants() {
        let text = |s: &Section<'_>| s.text("key").err();
        let filled = |s: &Section<'_>| s.filled("key").err();
        let flag = |s: &Section<'_>| s.flag("key").err();
        let number = |s: &Section<'_>| s.number::<u16>("key", 1..=1000).err();
        let duration = |s: &Section<'_>| s.duration("key").err();
        let texts = |s: &Section<'_>| s.texts("key").err();
        let choice = |s: &Section<'_>| s.choice("key", &[("a", 1), ("b", 2)]).err();

        let says = |rest: &str| (6, format!("\"key\" in [table] {rest}"));
        let string = "must be a string, in quotes, not";
        assert_eq!(wrong("2026", text), says(&format!("{string} a number")));
        assert_eq!(wrong("2026-11-20", text), says(&format!("{string} a date")));
        assert_eq!(wrong("{}", text), says(&format!("{string} a table")));
        assert_eq!(wrong("' '", filled), says("is empty"));
        assert_eq!(
            wrong("'yes'", flag),
            says("must be true or false, not a string")
        );
        let range = "must be a number from 1 to 1000, not";
        assert_eq!(
            wrong("1.5", number),
            says(&format!("{range} a number with a fraction"))
        );
        for bad in [
            "0",
            "-1",
            "1001",
            "70000",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(wrong(bad, number), says(&format!("{range} {bad}")));
        }
        assert_eq!(wrong("0x0", number), says(&format!("{range} 0x0")));
        assert_eq!(
            wrong("30", duration),
            says(r#"must be a duration such as "30s", in quotes, not a number"#)
        );
        assert_eq!(
            wrong("true", texts),
            says("must be a list of strings, not true or false")
        );
        assert_eq!(
            wrong("['a', 1]", texts),
            (
                12,
                r#""key" in [table] must be a list of strings, not a number"#.to_owned()
            )
        );
        assert_eq!(wrong("'c'", choice), says(r#"must be "a" or "b", not "c""#));
    }

    #[test]
    fn what_is_absent_is_none() {
        let document = DeTable::parse("").unwrap();
        let section = Section::of(document.get_ref(), "recipients", "[recipients]");
        assert_eq!(section.flag("key").unwrap(), None);
        assert!(section.texts("key").unwrap().is_empty());
        assert_eq!(section.span(), 0..0);
    }
}
