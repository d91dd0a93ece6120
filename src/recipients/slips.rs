//! Domains that are most likely misspelt ones of the great mail providers. They are pointed out, and never changed: `gmial.com`
//! may belong to somebody.

/// The domain that was most likely meant.
pub fn meant(domain: &str) -> Option<&'static str> {
    // Most domains are too long, and are not looked at further.
    if domain.len() > 12 {
        return None;
    }
    let meant = match domain.to_ascii_lowercase().as_str() {
        "gmial.com" | "gmai.com" | "gmali.com" | "gmaill.com" | "gamil.com" | "gnail.com"
        | "gmail.co" | "gmail.cm" | "gmail.con" | "gmail.cmo" | "gmail.om" | "gmal.com"
        | "ggmail.com" | "gmailcom" | "gmil.com" => "gmail.com",
        "hotmial.com" | "hotmai.com" | "hotmal.com" | "hotmil.com" | "hotmail.co"
        | "hotmail.cm" | "hotmail.con" | "hotmaill.com" | "hotnail.com" | "homail.com" => {
            "hotmail.com"
        }
        "outlok.com" | "outloo.com" | "outlook.co" | "outlook.cm" | "outlook.con"
        | "outllook.com" => "outlook.com",
        "yaho.com" | "yahooo.com" | "yhoo.com" | "yahoo.co" | "yahoo.cm" | "yahoo.con"
        | "yaoo.com" | "yahho.com" => "yahoo.com",
        "iclod.com" | "icoud.com" | "icloud.co" | "icloud.con" | "icluod.com" => "icloud.com",
        "qq.con" | "qq.co" | "qqq.com" | "qq.cm" => "qq.com",
        "163.con" | "163.cm" | "163.co" => "163.com",
        "126.con" | "126.cm" | "126.co" => "126.com",
        "gmx.ed" | "gmx.dee" | "gxm.de" => "gmx.de",
        "web.ed" | "wbe.de" | "we.de" => "web.de",
        _ => return None,
    };
    Some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_known_and_nothing_else_is() {
        for (domain, expected) in [
            ("gmial.com", Some("gmail.com")),
            ("GMAIL.con", Some("gmail.com")),
            ("hotmaill.com", Some("hotmail.com")),
            ("qq.con", Some("qq.com")),
            ("gmail.com", None),
            ("gmx.de", None),
            ("ymail.com", None),
            ("mail.com", None),
            ("email.com", None),
            ("x.example", None),
        ] {
            assert_eq!(meant(domain), expected, "{domain}");
        }
    }
}
