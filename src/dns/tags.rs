//! `tag=value; tag=value`, as records of DKIM and DMARC are written (RFC 6376 section 3.2).

/// A list of tags: names as they are, values without white space around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    /// Takes a record apart; `None` when it is no such list.
    pub fn read(record: &'a str) -> Option<Self> {
        let written = record.split(';').map(str::trim);
        let written = written.filter(|tag| !tag.is_empty());
        let tags = written.map(|tag| {
            let (name, value) = tag.split_once('=')?;
            Some((name.trim(), value.trim()))
        });
        tags.collect::<Option<Vec<_>>>().map(Tags)
    }

    /// The value of a tag.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut tags = self.0.iter();
        tags.find(|tag| tag.0 == name).map(|tag| tag.1)
    }

    /// The items of a value that is a list with colons, in lower case; nothing where the tag is not there.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.get(name)?.split(':');
        Some(items.map(|item| item.trim().to_ascii_lowercase()).collect())
    }

    /// The first tag.
    pub fn first(&self) -> Option<(&'a str, &'a str)> {
        self.0.first().copied()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tags_are_taken_apart_or_not_at_all() {
        let tags = Tags::read(" v = DKIM1;h=SHA1 : sha256; p=a b=;; ").unwrap();
        assert_eq!(tags.first(), Some(("v", "DKIM1")));
        assert_eq!(tags.get("p"), Some("a b="));
        assert_eq!(tags.list("h").unwrap(), ["sha1", "sha256"]);
        assert_eq!((tags.get("k"), tags.list("k")), (None, None));
        assert_eq!(Tags::read("v=spf1 include:x; all"), None);
        assert_eq!(Tags::read("").unwrap().first(), None);
    }
}
