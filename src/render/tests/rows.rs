//! `{{#each rows}}`: what a template sees of a group, and what it may name there.

use super::*;
use crate::recipients::GroupRow;

fn grouped(folder: &Path, subject: &str) -> Campaign {
    let mut campaign = campaign(folder, subject);
    campaign.recipients.group_by = Some("email".into());
    campaign
}

/// Of a campaign whose list is grouped: the last column may hold lists and objects.
fn templates(campaign: &Campaign) -> Result<Templates, TemplateError> {
    let columns: Vec<String> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
    Templates::load(
        campaign,
        &columns,
        |column| column == 3,
        &mut Images::new(campaign),
    )
}

fn group(rows: &[&[&str]]) -> Recipient {
    let mut recipient = recipient(rows[0]);
    let others = rows[1..].iter().zip(8..);
    recipient.others = others
        .map(|(cells, row)| GroupRow {
            position: Position { row, line: row + 1 },
            fields: cells.to_vec().into(),
            nested: Vec::new(),
        })
        .collect();
    recipient
}

/// The subjects that a template gives to groups, one after another on one sheet.
fn subjects(template: &str, groups: &[Recipient]) -> Vec<Result<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    let templates = templates(&grouped(folder.path(), template)).unwrap();
    let mut sheet = templates.sheet();
    let identity = Identity {
        send_id: "abc".into(),
        message_id: "abc@acme.example".into(),
    };
    groups
        .iter()
        .map(|group| {
            let rendered = templates.render(group, &identity, &mut sheet);
            rendered
                .map(|it| it.subject.to_string())
                .map_err(|error| error.to_string())
        })
        .collect()
}

const THREE: &[&[&str]] = &[
    &["a@x.example", "pot", "5", "A"],
    &["a@X.example", "lid", "", "B"],
    &["a@x.example", "pan", "7", "C"],
];

#[test]
fn the_rows_of_a_group_are_seen() {
    for (template, expected) in [
        (
            "{{name}}: {{#each rows}}{{@index}} {{name}} {{this.amount}}{{#unless @last}}, {{/unless}}{{/each}}",
            "pot: 0 pot 5, 1 lid , 2 pan 7",
        ),
        (
            "{{#each rows}}{{[First Name]}}<{{../name}} {{@root.email}} {{../row_number}}>{{/each}}",
            "A<pot a@x.example 7>B<pot a@x.example 7>C<pot a@x.example 7>",
        ),
        (
            "{{#each rows as |order i|}}{{i}}{{order.name}}{{#if order.amount}}={{order.amount}}{{/if}} {{/each}}",
            "0pot=5 1lid 2pan=7",
        ),
        (
            "{{#each rows}}{{#each ../rows}}{{name}}{{/each}}{{/each}}",
            "potlidpanpotlidpanpotlidpan",
        ),
        (
            "{{rows.1.name}} {{rows.[2].email}} {{len rows}} {{plural (len rows) \"order\" \"orders\"}}",
            "lid a@x.example 3 orders",
        ),
        (
            "{{#with rows.[1]}}{{name}}{{/with}} {{#with rows.0 as |one|}}{{one.name}}{{/with}}",
            "lid pot",
        ),
        (
            "{{#*inline \"line\"}}{{name}}/{{of.amount}} {{/inline}}{{#each rows}}{{> line this of=this}}{{/each}}",
            "pot/5 lid/ pan/7",
        ),
        (
            "{{#if rows}}some{{/if}} {{#each rows}}{{#each this}}{{@key}},{{/each}}{{/each}}",
            "some First Name,amount,email,name,First Name,amount,email,name,First Name,amount,email,name,",
        ),
    ] {
        let found = subjects(template, &[group(THREE)]);
        assert_eq!(found, [Ok(expected.to_owned())], "{template}");
    }
}

#[test]
fn nothing_of_another_group_stays() {
    let mut typed = group(&[
        &["b@x.example", "jug", "1", "[]"],
        &["b@x.example", "mug", "2", "{}"],
    ]);
    typed.nested = vec![(3, json!(["x", "y"]))];
    typed.others[0].nested = vec![(3, json!({ "z": 1 }))];
    let found = subjects(
        "{{#each rows}}{{name}} {{#each [First Name]}}{{this}}{{else}}-{{/each}} {{/each}}",
        &[
            group(THREE),
            typed,
            group(&[&["c@x.example", "cup", "3", ""]]),
            group(THREE),
        ],
    );
    let expected = [
        "pot - lid - pan -",
        "jug xy mug 1",
        "cup -",
        "pot - lid - pan -",
    ];
    let expected: Vec<_> = expected.iter().map(|it| Ok((*it).to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_row_that_a_group_does_not_have_is_an_error_of_that_group_alone() {
    let found = subjects("{{rows.1.name}}", &[group(&THREE[..1]), group(THREE)]);
    assert!(found[0].is_err(), "{found:?}");
    assert_eq!(found[1], Ok("lid".to_owned()));
}

#[test]
fn cells_of_rows_are_data() {
    let evil = "{{vars.issue}} {{#each rows}}{{> x}}";
    let found = subjects(
        "{{#each rows}}{{name}}|{{/each}}",
        &[group(&[
            &["a@x.example", "x", "", ""],
            &["a@x.example", evil, "", ""],
        ])],
    );
    assert_eq!(found, [Ok(format!("x|{evil}|"))]);
}

#[test]
fn names_in_rows_are_checked() {
    for (template, expected) in [
        (
            "{{#each rows}}{{nmae}}{{/each}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#each rows}}{{this.nmae}}{{/each}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#each rows}}{{#if nmae}}x{{/if}}{{/each}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#each rows as |order|}}{{order.nmae}}{{/each}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#with rows.0 as |one|}}{{one.nmae}}{{/with}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#*inline \"line\"}}{{of.nmae}}{{/inline}}{{#each rows}}{{> line of=this}}{{/each}}",
            "there is no \"nmae\" here; did you mean \"name\"?",
        ),
        (
            "{{#each rows}}{{vars.issue}}{{/each}}",
            "there is no \"vars\" here; did you mean \"@root.vars\"?",
        ),
        (
            "{{#each rows}}{{../nmae}}{{/each}}",
            "no column or variable \"nmae\"; did you mean \"name\"?",
        ),
        (
            "{{#each rows}}{{../../name}}{{/each}}",
            "../ leads out of the template; there is nothing above the row",
        ),
        (
            "{{rows.7.nmae}}",
            "there is no \"nmae\" in \"rows.7\"; did you mean \"name\"?",
        ),
        ("{{rows.name}}", "there is no \"name\" in \"rows\""),
        (
            "{{rows}}",
            "the rows of a group are no text; go through them: {{#each rows}}…{{/each}}",
        ),
        (
            "{{#each rows}}{{this}}{{/each}}",
            "\"this\" is a table, not a text; name one of its entries",
        ),
        (
            "{{#each row}}x{{/each}}",
            "no column or variable \"row\"; did you mean \"rows\"?",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = templates(&grouped(folder.path(), template))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with(expected), "{template}: {error}");
    }
}

#[test]
fn rows_are_there_by_their_setting_alone() {
    let folder = tempfile::tempdir().unwrap();
    let error = templates(&campaign(folder.path(), "{{#each rows}}x{{/each}}"));
    let error = error.unwrap_err().to_string();
    let expected = "no column or variable \"rows\"; it is there with group_by in [recipients]";
    assert!(error.ends_with(expected), "{error}");
    let columns = ["email".to_owned(), "rows".to_owned()];
    let load = |campaign: &Campaign| {
        let mut images = Images::new(campaign);
        Templates::load(campaign, &columns, |_| false, &mut images).map(drop)
    };
    assert!(load(&campaign(folder.path(), "{{rows}}")).is_ok());
    let error = load(&grouped(folder.path(), "x")).unwrap_err().to_string();
    assert_eq!(
        error,
        "the column \"rows\" has the name of a built-in value; rename the column"
    );
}

#[test]
fn what_is_used_of_rows_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let used = |template: &str| {
        let templates = templates(&grouped(folder.path(), template)).unwrap();
        let names = |names: &std::collections::BTreeSet<String>| {
            let columns = names.iter().filter(|name| COLUMNS.contains(&name.as_str()));
            columns.cloned().collect::<Vec<_>>().join(" ")
        };
        let uses = templates.uses();
        [
            names(&uses.named),
            names(&uses.printed),
            names(&uses.printed_of_rows),
        ]
    };
    assert_eq!(
        used("{{email}} {{#each rows}}{{name}}{{#if amount}}{{amount}}{{/if}}{{/each}}"),
        ["amount email name", "email", "name"]
    );
    assert_eq!(
        used("{{#each rows as |order|}}{{upper order.name}}{{/each}}{{rows.0.amount}}"),
        ["amount name", "", "amount name"]
    );
    assert_eq!(
        used("{{name}}{{#each rows}}{{../amount}}{{name}}{{/each}}"),
        ["amount name", "amount name", "name"]
    );
}
