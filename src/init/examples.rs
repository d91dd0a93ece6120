//! The campaigns that mailrun carries along: the starter, and those of `campaigns/`.

/// A campaign as it is written: the name of each file in its folder, and the file's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it is called.
    pub name: &'static str,
    /// Its files.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// The files of a folder below this file's.
macro_rules! example {
    ($name:literal, $folder:literal, [$($file:literal),* $(,)?]) => {
        Example { name: $name, files: &[$(($file, include_bytes!(concat!($folder, "/", $file)))),*] }
    };
}

/// What `init` writes when no example is named.
pub const STARTER: Example = example!(
    "starter",
    "starter",
    [
        "campaign.toml",
        "recipients.csv",
        "message.html.hbs",
        "message.txt.hbs"
    ]
);

/// What `init --example` writes: a folder of `campaigns/` each, with all of its files.
pub const EXAMPLES: &[Example] = &[
    example!(
        "newsletter",
        "../../campaigns/newsletter",
        [
            "campaign.toml",
            "recipients.csv",
            "images/lion.png",
            "images/pegs.png",
            "message.mjml.hbs",
            "message.txt.hbs",
            "partials/article.hbs",
            "partials/article_text.hbs",
            "partials/footer.hbs",
            "partials/footer_text.hbs",
            "partials/header.hbs",
            "partials/style.hbs",
        ]
    ),
    example!(
        "invoices",
        "../../campaigns/invoices",
        [
            "campaign.toml",
            "recipients.csv",
            "message.html.hbs",
            "terms.txt",
            "invoices/2026-0117.pdf",
            "invoices/2026-0118.pdf",
            "invoices/2026-0119.pdf",
            "invoices/2026-0120.pdf",
        ]
    ),
    example!(
        "seminar",
        "../../campaigns/seminar",
        [
            "campaign.toml",
            "recipients.csv",
            "message.txt.hbs",
            "seminar.ics"
        ]
    ),
    example!(
        "notification",
        "../../campaigns/notification",
        [
            "campaign.toml",
            "message.html.hbs",
            "message.txt.hbs",
            "orders.jsonl",
        ]
    ),
    example!(
        "report",
        "../../campaigns/report",
        [
            "campaign.toml",
            "charts/answers.png",
            "charts/requests.png",
            "figures.xlsx",
            "make.py",
            "message.html.hbs",
            "partials/days.hbs",
            "recipients.csv",
        ]
    ),
    example!(
        "chinese",
        "../../campaigns/chinese",
        ["campaign.toml", "message.html.hbs", "recipients.csv",]
    ),
];

impl Example {
    /// The example of this name.
    pub fn find(name: &str) -> Option<&'static Example> {
        EXAMPLES.iter().find(|example| example.name == name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, before: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{before}{}", entry.file_name().to_str().unwrap());
            match entry.path().is_dir() {
                // What running it has left.
                true if ["runs", "sandbox"].contains(&name.as_str()) => {}
                true => found.extend(files(&entry.path(), &format!("{name}/"))),
                false => found.push(name),
            }
        }
        found.sort();
        found
    }

    #[test]
    fn an_example_has_every_file_of_its_campaign() {
        for example in EXAMPLES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("campaigns")
                .join(example.name);
            let mut listed: Vec<_> = example
                .files
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect();
            listed.sort();
            assert_eq!(listed, files(&folder, ""), "{}", example.name);
        }
    }
}
