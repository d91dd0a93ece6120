//! `[list]`: what makes the messages those of a mailing list.

use toml::de::DeTable;

use super::MailingList;
use super::error::Mistake;
use super::section::Section;

pub(super) fn read(root: &DeTable<'_>) -> Result<MailingList, Mistake> {
    let section = Section::of(root, "list", "[list]");
    let mut list = MailingList::default();
    if let Some(id) = section.filled("id")? {
        let text = id.get_ref();
        let name = text
            .strip_suffix('>')
            .and_then(|rest| rest.rsplit_once('<'));
        if !is_list_id(name.map_or(*text, |(_, name)| name)) || text.contains(char::is_control) {
            let text = format!(
                "{} must be a name within a domain of yours, such as \"news.acme.example\" or \"ACME News <news.acme.example>\", not {text:?}",
                section.name("id")
            );
            return Err(Mistake::new(id.span(), text));
        }
        list.id = Some(id.get_ref().to_string());
    }
    for url in section.texts("unsubscribe")? {
        let text = url.get_ref().trim();
        if !["https://", "http://", "mailto:"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            let text = format!(
                "{}: {text:?} must begin with https:// or mailto:",
                section.name("unsubscribe")
            );
            return Err(Mistake::new(url.span(), text));
        }
        list.unsubscribe.push(text.to_owned());
    }
    list.one_click = section.flag("one_click")?.unwrap_or_default();
    let pages = || {
        list.unsubscribe
            .iter()
            .filter(|url| url.starts_with("http"))
    };
    // RFC 8058 section 3.1.
    if list.one_click && !(pages().count() == 1 && pages().all(|url| url.starts_with("https://"))) {
        let span = section
            .value("one_click")
            .map_or(section.span(), toml::Spanned::span);
        let text = "one_click needs one https:// URL, and no http:// one, in \"unsubscribe\": the page that takes the request";
        return Err(Mistake::new(span, text));
    }
    list.token_key_env = section
        .filled("token_key_env")?
        .map(|name| name.get_ref().to_string());
    Ok(list)
}

/// Labels with dots between them (RFC 2919 section 2).
fn is_list_id(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.len() <= 255 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn list(toml: &str) -> Result<MailingList, (usize, String)> {
        let document = DeTable::parse(toml).unwrap();
        read(document.get_ref()).map_err(|mistake| (mistake.at, mistake.text))
    }

    #[test]
    fn everything_and_nothing() {
        let all = "[list]\nid = 'A <n.a.example>'\nunsubscribe = ['https://a/{{unsubscribe_token}}', 'mailto:x@a']\none_click = true\ntoken_key_env = 'K'";
        let all = list(all).unwrap();
        assert_eq!(
            all.unsubscribe,
            ["https://a/{{unsubscribe_token}}", "mailto:x@a"]
        );
        assert_eq!(
            (
                all.id.as_deref(),
                all.one_click,
                all.token_key_env.as_deref()
            ),
            (Some("A <n.a.example>"), true, Some("K"))
        );
        assert_eq!(list("").unwrap(), MailingList::default());
    }

    #[test]
    fn each_mistake_at_its_place() {
        let one_click = "one_click needs one https:// URL, and no http:// one, in \"unsubscribe\": the page that takes the request";
        for (toml, at, text) in [
            (
                "id = 'news'",
                12,
                "\"id\" in [list] must be a name within a domain of yours, such as \"news.acme.example\" or \"ACME News <news.acme.example>\", not \"news\"",
            ),
            (
                "unsubscribe = ['ftp://a']",
                22,
                "\"unsubscribe\" in [list]: \"ftp://a\" must begin with https:// or mailto:",
            ),
            (
                "unsubscribe = ['{{url}}']",
                22,
                "\"unsubscribe\" in [list]: \"{{url}}\" must begin with https:// or mailto:",
            ),
            ("one_click = true", 19, one_click),
            (
                "unsubscribe = ['http://a']\none_click = true",
                46,
                one_click,
            ),
            (
                "unsubscribe = ['https://a', 'https://b']\none_click = true",
                60,
                one_click,
            ),
        ] {
            assert_eq!(
                list(&format!("[list]\n{toml}")),
                Err((at, text.to_owned())),
                "{toml}"
            );
        }
    }
}
