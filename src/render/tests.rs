//! Tests of the templates: what they make of a recipient, and what they refuse.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

mod rows;

use super::*;
use crate::campaign::{
    Campaign, Delivery, Durability, InDoubt, ListSettings, MailingList, MessageSettings,
};
use crate::enclose::Images;
use crate::recipients::Position;

mod pages;

const COLUMNS: &[&str] = &["email", "name", "amount", "First Name"];

/// A campaign in the folder; its templates are written by the tests.
fn campaign(dir: &Path, subject: &str) -> Campaign {
    let vars = json!({ "issue": 42, "event": { "city": "Paris & Lyon" }, "items": [{ "n": 1 }, {}], "odd": ["x"] });
    Campaign {
        dir: dir.into(),
        name: "News".into(),
        run: "2026-11".into(),
        recipients: ListSettings::new(dir.join("recipients.csv")),
        message: MessageSettings {
            from: "News <news@acme.example>".parse().unwrap(),
            reply_to: None,
            to: None,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            html: None,
            text: None,
            inline_css: true,
            headers: Vec::new(),
            envelope_from: None,
            attachments: Vec::new(),
        },
        list: MailingList::default(),
        vars: vars.as_object().unwrap().clone(),
        servers: Vec::new(),
        delivery: Delivery {
            attempts: 4,
            first_delay: Duration::from_secs(30),
            longest_delay: Duration::from_secs(1800),
            in_doubt: InDoubt::Hold,
            stop_after: 25,
            give_up: Duration::from_secs(900),
            durability: Durability::Power,
        },
        dkim: Vec::new(),
    }
}

fn recipient(cells: &[&str]) -> Recipient {
    Recipient {
        key: cells[0].into(),
        address: cells[0].parse().unwrap(),
        display: None,
        position: Position { row: 7, line: 9 },
        fields: cells.to_vec().into(),
        nested: Vec::new(),
        others: Vec::new(),
    }
}

fn load(campaign: &Campaign) -> Result<Templates, TemplateError> {
    let columns: Vec<String> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
    Templates::load(campaign, &columns, |_| false, &mut Images::new(campaign))
}

fn render_row(campaign: &Campaign, cells: &[&str]) -> Result<Rendered, RenderError> {
    let identity = Identity {
        send_id: "abc".into(),
        message_id: "abc@acme.example".into(),
    };
    let templates = load(campaign).unwrap();
    let mut sheet = templates.sheet();
    templates
        .render(&recipient(cells), &identity, &mut sheet)
        .map(|rendered| rendered.clone())
}

/// The subject that a template gives.
fn subject(template: &str, cells: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    subject_in(folder.path(), template, cells)
}

fn subject_in(folder: &Path, template: &str, cells: &[&str]) -> Result<String, String> {
    let rendered = render_row(&campaign(folder, template), cells);
    rendered
        .map(|rendered| rendered.subject.to_string())
        .map_err(|error| error.to_string())
}

const JACK: &[&str] = &[
    "jack@b.example",
    "Jack <O'Neill> & \"co\"",
    "1234.5",
    "Jack",
];

#[test]
fn only_html_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let mut campaign = campaign(folder.path(), "{{name}}");
    fs::create_dir(folder.path().join("partials")).unwrap();
    fs::write(
        folder.path().join("partials/who.hbs"),
        "{{name}}/{{upper name}}",
    )
    .unwrap();
    fs::write(
        folder.path().join("m.html.hbs"),
        "<p>{{name}}|{{{name}}}|{{name}}|{{> who}}",
    )
    .unwrap();
    fs::write(folder.path().join("m.txt.hbs"), "{{name}}|{{> who}}").unwrap();
    campaign.message.html = Some(folder.path().join("m.html.hbs"));
    campaign.message.text = Some(folder.path().join("m.txt.hbs"));
    campaign.message.to = Some("{{name}} <{{email}}>".into());
    campaign.message.headers = vec![
        ("X-A".into(), "{{name}}".into()),
        ("X-B".into(), "{{vars.event.city}}".into()),
    ];
    campaign.message.envelope_from = Some("bounce+{{send_id}}@acme.example".into());

    let raw = JACK[1];
    let escaped = "Jack &lt;O&#x27;Neill&gt; &amp; &quot;co&quot;";
    let (raw_upper, escaped_upper) = (
        raw.to_uppercase(),
        "JACK &lt;O&#x27;NEILL&gt; &amp; &quot;CO&quot;",
    );
    let rendered = render_row(&campaign, JACK).unwrap();
    assert_eq!(
        rendered,
        Rendered {
            to: Some(format!("{raw} <jack@b.example>").into()),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: raw.into(),
            headers: vec![raw.into(), "Paris & Lyon".into()],
            envelope_from: Some("bounce+abc@acme.example".into()),
            html: Some(format!("<p>{escaped}|{raw}|{escaped}|{escaped}/{escaped_upper}").into()),
            text: Some(format!("{raw}|{raw}/{raw_upper}").into()),
            unsubscribe: Vec::new(),
            attachments: Vec::new(),
        }
    );
}

#[test]
fn a_template_sees_the_row_and_the_campaign() {
    let template = "{{[First Name]}} {{vars.issue}} {{campaign.name}} {{campaign.run}} {{send_id}} {{message_id}} {{row_number}}";
    assert_eq!(
        subject(template, JACK).unwrap(),
        "Jack 42 News 2026-11 abc abc@acme.example 7"
    );
}

#[test]
fn cells_are_never_templates() {
    let cell = "{{vars.issue}} {{> who}} {{{email}}}";
    assert_eq!(
        subject("{{name}} {{upper name}}", &["a@b.example", cell, "", ""]).unwrap(),
        format!("{cell} {}", cell.to_uppercase())
    );
}

#[test]
fn headers_are_trimmed_at_their_ends_only() {
    assert_eq!(
        subject(
            "\r\n {{name}}  x\n\t",
            &["a@b.example", " a\r\nBcc: c@d.example ", "", ""]
        )
        .unwrap(),
        "a\r\nBcc: c@d.example   x"
    );
}

#[test]
fn rows_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let templates = load(&campaign(
        folder.path(),
        "{{name}}|{{#if amount}}{{amount}}{{else}}none{{/if}}",
    ))
    .unwrap();
    let identity = Identity {
        send_id: "a".into(),
        message_id: "b".into(),
    };
    let mut sheet = templates.sheet();
    let mut render = |cells: &[&str]| {
        let rendered = templates.render(&recipient(cells), &identity, &mut sheet);
        rendered.unwrap().subject.clone()
    };
    assert_eq!(render(&["a@b.example", "A", "1", ""]), "A|1");
    assert_eq!(render(&["c@d.example", "C", "", ""]), "C|none");
    assert_eq!(render(&["c@d.example", "C", "2", ""]), "C|2");
    // A row that is cut short sees nothing of the one before.
    assert_eq!(render(&["e@f.example"]), "|none");
}

#[test]
fn no_row_sees_the_link_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut campaign = campaign(folder.path(), "{{unsubscribe_url}}");
    campaign.list.unsubscribe = vec![
        "https://x.example/{{name}}?{{lookup this \"unsubscribe_url\"}}{{#each this}}{{#if (eq @key \"unsubscribe_url\")}}{{this}}{{/if}}{{/each}}".to_owned(),
    ];
    let templates = load(&campaign).unwrap();
    let identity = Identity {
        send_id: "a".into(),
        message_id: "b".into(),
    };
    let mut sheet = templates.sheet();
    for name in ["A", "B", "C"] {
        let row = recipient(&["a@b.example", name, "", ""]);
        let rendered = templates.render(&row, &identity, &mut sheet).unwrap();
        assert_eq!(&*rendered.subject, format!("https://x.example/{name}?"));
    }
}

#[test]
fn templates_are_shared_by_threads() {
    let folder = tempfile::tempdir().unwrap();
    let templates = load(&campaign(folder.path(), "{{upper name}} {{row_number}}")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let templates = &templates;
            scope.spawn(move || {
                let identity = Identity {
                    send_id: "a".into(),
                    message_id: "b".into(),
                };
                let name = format!("n{thread}");
                let recipient = recipient(&["a@b.example", &name, "", ""]);
                for _ in 0..200 {
                    assert_eq!(
                        templates
                            .render(&recipient, &identity, &mut templates.sheet())
                            .unwrap()
                            .subject
                            .to_string(),
                        format!("N{thread} 7")
                    );
                }
            });
        }
    });
}

#[test]
fn errors_of_a_row_say_where_and_which_value() {
    let error = subject("{{number name}}", &["a@b.example", "x\u{1b}[2J", "", ""]).unwrap_err();
    assert_eq!(
        error,
        "campaign.toml: subject:1:1: number: \"x\\u{1b}[2J\" is no number; write it as 1234.50"
    );
    let error = subject(
        "{{#if (gt amount 5)}}x{{/if}}",
        &["a@b.example", "", "five", ""],
    )
    .unwrap_err();
    assert!(
        error.starts_with("campaign.toml: subject:1:1: gt: \"five\" is no number"),
        "{error}"
    );
    let error = subject("{{#each vars.items}}\n  {{n}}{{/each}}", JACK).unwrap_err();
    assert!(
        error.starts_with("campaign.toml: subject:2:3: \"n\" has no value here"),
        "{error}"
    );
    let error = subject("{{lookup vars name}}", JACK).unwrap_err();
    assert_eq!(error, "campaign.toml: subject:1:1: there is no such entry");
    let error = subject("{{#each vars.odd}}{{this.x.y}}{{/each}}", JACK).unwrap_err();
    assert!(
        error.starts_with("campaign.toml: subject:1:19: "),
        "{error}"
    );
}

#[test]
fn errors_in_a_partial_name_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let partial = folder.path().join("partials/sum.hbs");
    fs::create_dir(folder.path().join("partials")).unwrap();
    let campaign = campaign(folder.path(), "{{> sum}}");

    fs::write(&partial, "due\n {{currency amount \"EUR\"}}").unwrap();
    let error = render_row(&campaign, &["a@b.example", "", "much", ""])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "{}:2:2: currency: \"much\" is no number; write it as 1234.50",
            partial.display()
        )
    );

    fs::write(&partial, "due\n {{amuont}}").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}:2:2: no column or variable \"amuont\"; did you mean \"amount\"?",
            partial.display()
        )
    );

    fs::write(&partial, "due {{#if amount}}").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}:1:", partial.display())),
        "{error}"
    );

    fs::write(&partial, "due {{> sum}}").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: includes itself without end: sum > sum",
            partial.display()
        )
    );
}

#[test]
fn settings_are_named_as_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.headers = vec![("X-Campaign".into(), "{{nmae}}".into())];
    let error = load(&campaign).unwrap_err().to_string();
    assert_eq!(
        error,
        "campaign.toml: headers.X-Campaign:1:1: no column or variable \"nmae\"; did you mean \"name\"?"
    );
}

#[test]
fn a_column_with_the_name_of_a_built_in_value_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["vars", "send_id", "unsubscribe_url"] {
        let campaign = campaign(folder.path(), "x");
        let columns = ["email".into(), name.into()];
        let error = Templates::load(&campaign, &columns, |_| false, &mut Images::new(&campaign))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the column {name:?} has the name of a built-in value; rename the column")
        );
    }
}

#[test]
fn inlines_partials_and_their_context_render() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("partials")).unwrap();
    fs::write(
        folder.path().join("partials/layout.hbs"),
        "[{{> nav}}|{{> @partial-block}}]",
    )
    .unwrap();
    fs::write(
        folder.path().join("partials/city.hbs"),
        "{{city}}{{mark}}{{@root.name}}",
    )
    .unwrap();
    let text = "{{#> layout}}{{#*inline \"nav\"}}{{name}}{{/inline}}{{> city vars.event mark=amount}}{{/layout}}";
    let rendered = render_row(
        &campaign(folder.path(), text),
        &["a@b.example", "N", "!", ""],
    )
    .unwrap();
    assert_eq!(rendered.subject, "[N|Paris & Lyon!N]");
}

#[test]
fn a_column_named_like_a_helper_renders() {
    let folder = tempfile::tempdir().unwrap();
    let campaign = campaign(
        folder.path(),
        "{{title}} {{upper title}} {{#each vars.odd as |len|}}{{len}}{{/each}}",
    );
    let templates = Templates::load(
        &campaign,
        &["email".into(), "title".into()],
        |_| false,
        &mut Images::new(&campaign),
    )
    .unwrap();
    let identity = Identity {
        send_id: "a".into(),
        message_id: "b".into(),
    };
    let mut sheet = templates.sheet();
    let rendered = templates
        .render(&recipient(&["a@b.example", "Dr"]), &identity, &mut sheet)
        .unwrap();
    assert_eq!(rendered.subject, "Dr DR x");
}

#[test]
fn an_error_in_an_inline_names_the_file_it_stands_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("partials")).unwrap();
    fs::write(folder.path().join("partials/layout.hbs"), "\n\n{{> nav}}").unwrap();
    let inline = "{{#if name}}{{#*inline \"nav\"}}{{number name}}{{/inline}}{{> layout}}{{/if}}";
    let error = subject_in(folder.path(), inline, &["a@b.example", "x", "", ""]).unwrap_err();
    assert!(
        error.starts_with("campaign.toml: subject:1:31: number: "),
        "{error}"
    );
}
