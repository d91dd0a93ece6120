//! Pages in their several ways of being written: what a row makes of them, and where their mistakes are.

use std::fs;

use super::{JACK, campaign, load, render_row};

#[test]
fn without_a_text_template_the_text_is_made_from_the_html() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("m.html.hbs"),
        "<p>Dear {{name}},</p><a href=\"https://a.example/?n={{amount}}\">pay</a>",
    )
    .unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.html = Some(folder.path().join("m.html.hbs"));
    let cells = ["a@b.example", "<b>Jack & Co</b>", "1&2", ""];
    let rendered = render_row(&campaign, &cells).unwrap();
    assert_eq!(
        rendered.text.unwrap(),
        "Dear <b>Jack & Co</b>,\n\npay <https://a.example/?n=1&2>\n"
    );
}

#[test]
fn markdown_becomes_a_page_and_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.md.hbs");
    fs::write(
        &path,
        "Dear **{{name}}**,\n\n{{#if amount}}\npay [here](https://a.example/{{amount}})\n{{/if}}\n",
    )
    .unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.html = Some(path.clone());
    let rendered = render_row(&campaign, &["a@b.example", "Jack <O>", "12", ""]).unwrap();
    let html = rendered.html.unwrap();
    assert!(
        html.contains("<p>Dear <strong>Jack &lt;O&gt;</strong>,</p>"),
        "{html}"
    );
    assert!(
        html.contains("<a href=\"https://a.example/12\">here</a>"),
        "{html}"
    );
    assert_eq!(
        rendered.text.unwrap(),
        "Dear Jack <O>,\n\npay here <https://a.example/12>\n"
    );

    // Before anything is sent places are the author's; for a row, there is none rather than a wrong one.
    fs::write(&path, "a\n\nb {{nmae}}").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(error.contains("m.md.hbs:3:3: no column"), "{error}");
    fs::write(&path, "a\n\nb {{date name \"%Y\"}}").unwrap();
    let error = render_row(&campaign, &["a@b.example", "x", "", ""]).unwrap_err();
    assert!(
        error.place.template.ends_with("m.md.hbs") && error.place.position.is_none(),
        "{error}"
    );
}

#[test]
fn styles_in_attributes_keep_the_places_of_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("partials")).unwrap();
    fs::write(
        at("partials/head.hbs"),
        "<style>\n{{!-- a --}}\nb{color:red}\ni{color:blue}\n</style>",
    )
    .unwrap();
    fs::write(
        at("m.html.hbs"),
        "{{> head}}\n<b>{{name}}</b> <i>\n {{number amount}}</i>",
    )
    .unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.html = Some(at("m.html.hbs"));
    let cells = ["a@b.example", "<Jack>", "12", ""];
    assert_eq!(
        render_row(&campaign, &cells).unwrap().html.unwrap(),
        "<style>\n</style><b style=\"color:red\">&lt;Jack&gt;</b> <i style=\"color:blue\">\n 12</i>"
    );
    let error = render_row(&campaign, &["a@b.example", "x", "much", ""]).unwrap_err();
    assert!(
        error.to_string().contains("m.html.hbs:3:2: number: "),
        "{error}"
    );

    fs::write(at("m.html.hbs"), "{{> head}}\n<b>{{nmae}}</b>").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(error.contains("m.html.hbs:2:4: no column"), "{error}");
    fs::write(at("m.html.hbs"), "{{> head}}<b>\n<img src=\"x.png\"></b>").unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(error.contains("m.html.hbs:2:11: "), "{error}");

    campaign.message.inline_css = false;
    fs::write(at("m.html.hbs"), "{{> head}}<b>").unwrap();
    assert_eq!(
        render_row(&campaign, &cells).unwrap().html.unwrap(),
        "<style>\nb{color:red}\ni{color:blue}\n</style><b>"
    );
}

#[test]
fn an_image_in_a_style_sheet_goes_along_with_its_rule() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(
        at("m.html.hbs"),
        "<style>p{background:url(\"a.png\")}</style><p>",
    )
    .unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.html = Some(at("m.html.hbs"));
    let html = render_row(&campaign, JACK).unwrap().html.unwrap();
    assert!(
        html.starts_with("<p style=\"background:url('cid:"),
        "{html}"
    );
}

#[test]
fn mjml_becomes_a_page_with_its_styles_and_images() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("partials")).unwrap();
    fs::write(at("a.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(
        at("partials/row.hbs"),
        "<tr><td class=\"x\">{{name}}</td></tr>",
    )
    .unwrap();
    let page = "<mjml><mj-head><mj-style inline=\"inline\">.x { color: red; }</mj-style><mj-style>.x { top: 0; }</mj-style></mj-head><mj-body>\n\
        <mj-section><mj-column><mj-image src=\"a.png\" />\n<mj-table>{{> row}}</mj-table></mj-column></mj-section></mj-body></mjml>";
    fs::write(at("m.mjml.hbs"), page).unwrap();
    let mut campaign = campaign(folder.path(), "x");
    campaign.message.html = Some(at("m.mjml.hbs"));
    let html = render_row(&campaign, JACK).unwrap().html.unwrap();
    assert!(
        html.contains("<td style=\"color:red\" class=\"x\">Jack &lt;"),
        "{html}"
    );
    assert!(
        html.contains("<style type=\"text/css\">.x { top: 0; }</style>"),
        "{html}"
    );
    assert!(
        html.contains("src=\"cid:") && !html.contains("inlined"),
        "{html}"
    );

    campaign.message.inline_css = false;
    let html = render_row(&campaign, JACK).unwrap().html.unwrap();
    assert!(
        html.contains("<style type=\"text/css\">.x { color: red; }</style>"),
        "{html}"
    );

    fs::write(at("m.mjml.hbs"), page.replace("{{> row}}", "\n {{nmae}}")).unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(error.contains("m.mjml.hbs:4:2: no column"), "{error}");
    // What an element hands on to all of its kind has to mean the same wherever they stand.
    let page = "<mjml><mj-head><mj-attributes><mj-text color=\"{{name}}\" /></mj-attributes></mj-head><mj-body><mj-section><mj-column>\
        {{#with vars.event}}<mj-text>{{city}}</mj-text>{{/with}}</mj-column></mj-section></mj-body></mjml>";
    fs::write(at("m.mjml.hbs"), page).unwrap();
    let error = load(&campaign).unwrap_err().to_string();
    assert!(
        error.contains("m.mjml.hbs: ") && error.contains("\"name\""),
        "{error}"
    );
}
