//! What nests without end by mistake is told with its place before anything is sent; it used up the stack, at once or in mid-run.

use super::support::{CAMPAIGN, Folder, run, sandbox, send};

#[track_caller]
fn refused(folder: &Folder, text: &str) {
    let sandbox = sandbox();
    let ran = send(folder, &sandbox, &[]);
    assert_eq!((ran.status, sandbox.stats().connections), (1, 0), "{ran:?}");
    assert_eq!(ran.stderr, format!("mailrun: {text}\n"));
}

fn folder() -> Folder {
    Folder::with_rows([("ann@x.example", "Ann")])
}

#[test]
fn blocks_of_partials_that_include_each_other() {
    let folder = folder();
    let nested = |inner: &str| "{{#if name}}".repeat(240) + inner + &"{{/if}}".repeat(240);
    folder.write("message.txt.hbs", "{{> a}}");
    folder.write("partials/a.hbs", nested("{{> b}}"));
    folder.write("partials/b.hbs", nested("x"));
    refused(
        &folder,
        "campaign/partials/a.hbs:1:2881: with what is included here, more than 250 blocks and partials are in each other; see \
         whether one is not closed, or include fewer in each other",
    );
    // One alone is none too many.
    folder.write("message.txt.hbs", "{{> b}}");
    folder.write("partials/a.hbs", "");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "out"]);
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn cells_of_no_table_in_mjml() {
    let folder = folder();
    let cells = "<td>".repeat(20_000) + "x" + &"</td>".repeat(20_000);
    let page = format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>\n{cells}</mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    folder.write("message.mjml.hbs", page);
    let settings = CAMPAIGN.replace("[message]", "[message]\nhtml = \"message.mjml.hbs\"");
    folder.write("campaign.toml", settings);
    refused(
        &folder,
        "campaign/message.mjml.hbs:2:981: more than 250 elements stand in each other here; see whether end tags are missing, \
         such as </td>",
    );
}

#[test]
fn brackets_of_where() {
    let folder = folder();
    let nested = "(".repeat(20_000) + "true" + &")".repeat(20_000);
    folder.configure(&format!("[recipients]\nwhere = '{nested}'"));
    refused(
        &folder,
        "campaign/campaign.toml:15:9: \"where\" in [recipients], line 1, column 41: more than 40 brackets, operators or dots \
         around one value; ask for less at once, or make a column of it",
    );
}
