//! `[dkim]`, or several `[[dkim]]`: who signs, by which key. The key itself is read elsewhere.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::DkimKey;
use super::error::Mistake;
use super::section::Section;

const TITLE: &str = "[[dkim]]";

pub(super) fn read(root: &DeTable<'_>, dir: &Path) -> Result<Vec<DkimKey>, Mistake> {
    let Some(value) = root.get("dkim") else {
        return Ok(Vec::new());
    };
    let tables = match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .filter_map(|item| Section::table(item, TITLE))
            .collect(),
        _ => Vec::from_iter(Section::table(value, TITLE)),
    };
    tables.iter().map(|section| one(section, dir)).collect()
}

fn one(section: &Section<'_>, dir: &Path) -> Result<DkimKey, Mistake> {
    let filled = |key: &str, example: &str| {
        section.filled(key)?.ok_or_else(|| {
            let name = section.name(key);
            Mistake::new(
                section.span(),
                format!("{name} is missing; write {key} = \"{example}\""),
            )
        })
    };
    let label = |key: &str, example: &str| {
        let written = filled(key, example)?;
        let name = idna::domain_to_ascii(written.get_ref()).unwrap_or_default();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if name.len() > 200 || !name.split('.').all(is_label) {
            let (title, written_) = (section.name(key), written.get_ref());
            let text =
                format!("{title} must be a name of the DNS, such as {example:?}, not {written_:?}");
            return Err(Mistake::new(written.span(), text));
        }
        Ok(name)
    };
    let domain = label("domain", "acme.example")?;
    let selector = label("selector", "s2026")?;
    let written = filled("key_file", "dkim.pem")?;
    let key_file = dir.join(written.get_ref());
    if !key_file.is_file() {
        let shown = key_file.display();
        let text = format!(
            "there is no key \"{shown}\"; make one with: mailrun dkim keygen --out \"{shown}\""
        );
        return Err(Mistake::new(written.span(), text));
    }
    Ok(DkimKey {
        domain,
        selector,
        key_file,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn keys(toml: &str) -> Result<Vec<(String, String)>, (usize, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("k.pem"), "").unwrap();
        let document = DeTable::parse(toml).unwrap();
        let dir = folder.path().display().to_string();
        let keys = read(document.get_ref(), folder.path())
            .map_err(|mistake| (mistake.at, mistake.text.replace(&dir, "DIR")))?;
        Ok(keys
            .into_iter()
            .map(|key| (key.domain, key.selector))
            .collect())
    }

    #[test]
    fn one_or_several() {
        assert_eq!(keys("").unwrap(), []);
        let key =
            |domain: &str| format!("domain = '{domain}'\nselector = 's'\nkey_file = 'k.pem'\n");
        let pair = |domain: &str| (domain.to_owned(), "s".to_owned());
        assert_eq!(
            keys(&format!("[dkim]\n{}", key("a.example"))).unwrap(),
            [pair("a.example")]
        );
        let two = format!(
            "[[dkim]]\n{}[[dkim]]\n{}",
            key("a.example"),
            key("köln.example")
        );
        assert_eq!(
            keys(&two).unwrap(),
            [pair("a.example"), pair("xn--kln-sna.example")]
        );
    }

    #[test]
    fn each_mistake_at_its_place() {
        for (toml, at, text) in [
            (
                "selector = 's'",
                0,
                "\"domain\" in [[dkim]] is missing; write domain = \"acme.example\"",
            ),
            (
                "domain = 'a b'",
                16,
                "\"domain\" in [[dkim]] must be a name of the DNS, such as \"acme.example\", not \"a b\"",
            ),
            (
                "domain = 'a'\nselector = 's; d=b'",
                31,
                "\"selector\" in [[dkim]] must be a name of the DNS, such as \"s2026\", not \"s; d=b\"",
            ),
            (
                "domain = 'a'\nselector = 's'\nkey_file = 'gone'",
                46,
                "there is no key \"DIR/gone\"; make one with: mailrun dkim keygen --out \"DIR/gone\"",
            ),
        ] {
            assert_eq!(
                keys(&format!("[dkim]\n{toml}")),
                Err((at, text.to_owned())),
                "{toml}"
            );
        }
    }
}
