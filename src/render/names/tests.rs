//! Tests of the check of names: what a template may name, and what it is told otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;

use super::*;
use crate::render::source;

/// The error of a template, its place taken off when it is the template's first column.
fn checked(text: &str, partials: &[(&str, &str)]) -> Result<(), String> {
    let sample = json!({
        "first_name": "", "First Name": "", "email": "", "amount": "", "title": "", "date": "", "a.b": "",
        "vars": { "issue": 42, "event": { "city": "Paris" }, "items": [{ "name": "x" }], "theme": "dark" },
        "campaign": { "name": "", "run": "" },
        "send_id": "", "message_id": "", "row_number": 0,
    });
    let compile = |name: &str, text: &str| source::setting(name, text).expect(text);
    let template = compile("subject", text);
    let partials = partials
        .iter()
        .map(|(name, text)| ((*name).to_owned(), compile(name, text)))
        .collect();
    let checked = check(&partials, std::iter::once(&template), &sample);
    checked.map(drop).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("campaign.toml: ").unwrap_or(&text);
        text.strip_prefix("subject:1:1: ")
            .unwrap_or(text)
            .to_owned()
    })
}

fn wrong(text: &str) -> String {
    checked(text, &[]).expect_err(text)
}

#[track_caller]
fn right(text: &str) {
    assert_eq!(checked(text, &[]), Ok(()), "{text}");
}

#[test]
fn what_there_is_passes() {
    for text in [
        "{{first_name}} {{[First Name]}} {{{email}}} {{&email}} {{[a.b]}}",
        "{{vars.issue}} {{vars.event.city}} {{vars.items.[0].name}} {{campaign.name}} {{campaign.run}}",
        "{{send_id}} {{message_id}} {{row_number}} {{this.email}} {{./email}} {{@root.email}}",
        "{{#if first_name}}{{email}}{{else if email}}{{amount}}{{else}}{{title}}{{/if}}",
        "{{#unless (and first_name (gt amount 100))}}x{{/unless}}",
        "{{upper (default first_name \"x\")}} {{number amount decimals=2 point=vars.theme}}",
        "{{#eq first_name email}}x{{else}}y{{/eq}}",
        "{{#each vars.items}}{{name}} {{anything}} {{@index}} {{../email}} {{@root.email}} {{this}}{{/each}}",
        "{{#each vars.items as |item i|}}{{item.name}} {{i}}{{/each}}",
        "{{#each vars.event}}{{@key}}={{this}}{{else}}{{email}}{{/each}}",
        "{{#with vars.event}}{{city}} {{../email}}{{else}}{{email}}{{/with}}",
        "{{#with vars.event as |e|}}{{e.city}}{{/with}}",
        "{{lookup vars \"issue\"}} {{lookup this \"First Name\"}}",
        "{{{{raw}}}}{{frist_name}}{{{{/raw}}}} \\{{frist_name}} {{! frist_name }}",
        "{{#*inline \"x\"}}{{email}}{{/inline}}{{> x}}",
        "{{vars.items}}",
    ] {
        right(text);
    }
}

#[test]
fn a_column_may_have_the_name_of_a_helper() {
    right("{{title}} {{date}} {{upper title}} {{date date \"%d\"}} {{#if title}}{{title}}{{/if}}");
    right("{{#each vars.items as |number|}}{{number}}{{/each}}");
    assert_eq!(
        wrong("{{upper}}"),
        "no column or variable \"upper\"; the helper of that name is called with a value, as in {{upper name}}"
    );
}

#[test]
fn what_stands_in_vars_is_named_with_it() {
    for (text, expected) in [
        (
            "{{theme}}",
            "no column or variable \"theme\"; what stands in [vars] is named with it: write {{vars.theme}}",
        ),
        (
            "{{#if (eq issue 1)}}x{{/if}}",
            "no column or variable \"issue\"; what stands in [vars] is named with it: write {{vars.issue}}",
        ),
        (
            "{{theem}}",
            "no column or variable \"theem\"; did you mean \"vars.theme\"?",
        ),
        // A column that is near is nearer to what was meant.
        (
            "{{emails}}",
            "no column or variable \"emails\"; did you mean \"email\"?",
        ),
        (
            "{{#with vars.event}}{{theme}}{{/with}}",
            "subject:1:21: there is no \"theme\" here; did you mean \"@root.vars.theme\"?",
        ),
    ] {
        assert_eq!(wrong(text), expected, "{text}");
    }
}

#[test]
fn unknown_names_are_found_wherever_they_stand() {
    let unknown = "no column or variable \"frist_name\"; did you mean \"first_name\"?";
    for (text, place) in [
        ("{{frist_name}}", ""),
        ("{{{frist_name}}}", ""),
        ("{{#if frist_name}}x{{/if}}", ""),
        ("{{#if email}}{{frist_name}}{{/if}}", "subject:1:14: "),
        (
            "{{#if email}}{{else}}{{frist_name}}{{/if}}",
            "subject:1:22: ",
        ),
        ("{{upper frist_name}}", ""),
        ("{{#if (eq email (upper frist_name))}}x{{/if}}", ""),
        ("{{number amount point=frist_name}}", ""),
        ("hello\n\n Dear {{frist_name}}", "subject:3:7: "),
        (
            "{{#each vars.items}}{{@root.frist_name}}{{/each}}",
            "subject:1:21: ",
        ),
        (
            "{{#each vars.items}}{{../frist_name}}{{/each}}",
            "subject:1:21: ",
        ),
        (
            "{{#each vars.items}}x{{else}}{{frist_name}}{{/each}}",
            "subject:1:30: ",
        ),
        ("{{#if email}}\n{{else if frist_name}}x{{/if}}", ""),
    ] {
        assert_eq!(wrong(text), format!("{place}{unknown}"), "{text}");
    }
}

#[test]
fn the_nearest_name_is_said_as_it_is_written() {
    assert!(wrong("{{FIRST_NAME}}").ends_with("did you mean \"first_name\"?"));
    assert!(wrong("{{first-name}}").contains("did you mean"));
    assert!(wrong("{{emial}}").ends_with("did you mean \"email\"?"));
    assert_eq!(wrong("{{zzz}}"), "no column or variable \"zzz\"");
    assert!(wrong("{{first name}}").contains("{{[First Name]}}"));
    assert!(wrong("{{[a.c]}}").ends_with("did you mean \"[a.b]\"?"));
}

#[test]
fn vars_and_campaign_are_looked_into() {
    assert_eq!(
        wrong("{{vars.isue}}"),
        "there is no \"isue\" in \"vars\"; did you mean \"issue\"?"
    );
    assert_eq!(
        wrong("{{vars.event.town}}"),
        "there is no \"town\" in \"vars.event\""
    );
    assert_eq!(
        wrong("{{campaign.nmae}}"),
        "there is no \"nmae\" in \"campaign\"; did you mean \"name\"?"
    );
    assert_eq!(
        wrong("{{first_name.x}}"),
        "there is no \"x\" in \"first_name\""
    );
    assert!(wrong("{{vars}}").contains("\"vars\" is a table"));
    assert!(wrong("{{this}}").contains("is a table"));
}

#[test]
fn names_by_a_setting_say_which() {
    assert_eq!(
        wrong("{{unsubscribe_url}}"),
        "there is no \"unsubscribe_url\" here; for one in every other template, write an https:// URL into unsubscribe in [list]"
    );
}

#[test]
fn contexts_are_followed() {
    let text = wrong("{{#with vars.event}}{{email}}{{/with}}");
    assert_eq!(
        text,
        "subject:1:21: there is no \"email\" here; did you mean \"@root.email\"?"
    );
    assert!(wrong("{{../email}}").contains("leads out of the template"));
    assert!(wrong("{{@index}}").contains("only inside {{#each …}}"));
    assert!(wrong("{{#each vars.items}}{{@idx}}{{/each}}").contains("@index, @first"));
    assert!(wrong("{{#each first_name}}x{{/each}}").contains("goes through a list"));
}

#[test]
fn unknown_helpers_and_wrong_calls_are_found() {
    for (text, wanted) in [
        (
            "{{uper first_name}}",
            "there is no helper \"uper\"; did you mean \"upper\"?",
        ),
        (
            "{{#iff first_name}}x{{/iff}}",
            "there is no helper \"iff\"; did you mean \"if\"?",
        ),
        ("{{#if (zzz email)}}x{{/if}}", "there is no helper \"zzz\""),
        (
            "{{#if (email)}}x{{/if}}",
            "\"email\" is no helper; write {{email}}, or {{#if email}}…{{/if}}",
        ),
        (
            "{{#email}}x{{/email}}",
            "\"email\" is no helper; write {{email}}, or {{#if email}}…{{/if}}",
        ),
        (
            "{{log email}}",
            "there is no helper \"log\": a message has nowhere to log to",
        ),
        (
            "{{upper email email}}",
            "\"upper\" takes 1 value, not 2; write {{upper name}}",
        ),
        (
            "{{date email}}",
            "\"date\" takes 2 values, not 1; write {{date due \"%Y-%m-%d\"}}",
        ),
        (
            "{{#if}}x{{/if}}",
            "\"if\" takes 1 value, not 0; write {{#if name}}…{{/if}}",
        ),
        (
            "{{#upper email}}x{{/upper}}",
            "\"upper\" has no block; write {{upper name}}",
        ),
        (
            "{{if email}}",
            "\"if\" needs a block; write {{#if name}}…{{/if}}",
        ),
        (
            "{{number amount decimal=2}}",
            "\"number\" has no option \"decimal\"; did you mean \"decimals\"?",
        ),
        (
            "{{(lower email)}}",
            "write {{lower …}} without the parentheses",
        ),
        (
            "{{#*other \"x\"}}{{/other}}",
            "{{*…}} has one use here: {{#*inline \"name\"}}…{{/inline}}",
        ),
    ] {
        assert_eq!(wrong(text), wanted, "{text}");
    }
}

#[test]
fn partials_are_checked_where_they_are_included() {
    let card = ("card", "Hello\n{{name}}");
    assert_eq!(
        checked("{{#each vars.items}}{{> card}}{{/each}}", &[card]),
        Ok(())
    );
    assert_eq!(checked("{{> card name=email}}", &[card]), Ok(()));
    assert_eq!(checked("{{> card campaign}}", &[card]), Ok(()));
    let error = checked("{{> card}}", &[card]).unwrap_err();
    assert_eq!(error, "card:2:1: no column or variable \"name\"");
    let error = checked("{{> card vars.event}}", &[card]).unwrap_err();
    assert_eq!(error, "card:2:1: there is no \"name\" here");
    assert_eq!(
        checked("{{> card name=frist_name}}", &[card]).unwrap_err(),
        wrong("{{frist_name}}")
    );
    // One that nobody includes may be there for another list.
    assert_eq!(checked("{{email}}", &[card]), Ok(()));
}

#[test]
fn unknown_partials_are_found() {
    let header = ("header", "x");
    let error = checked("{{> haeder}}", &[header]).unwrap_err();
    assert_eq!(
        error,
        "there is no partials/haeder.hbs; did you mean \"header\"?"
    );
    let error = checked("{{#> haeder}}x{{/haeder}}", &[header]).unwrap_err();
    assert_eq!(
        error,
        "there is no partials/haeder.hbs; did you mean \"header\"?"
    );
    assert_eq!(
        checked("{{#> navigation}}own{{/navigation}}", &[header]),
        Ok(())
    );
    assert!(wrong("{{> (lookup vars \"theme\")}}").contains("written out"));
    assert!(wrong("{{> @partial-block}}").contains("a caller that encloses"));
}

#[test]
fn layouts_with_blocks_and_inlines_are_followed() {
    let layout = ("layout", "{{> nav}}{{> @partial-block}}");
    let page = |nav: &str, body: &str| {
        let text = format!(
            "{{{{#> layout}}}}{{{{#*inline \"nav\"}}}}{nav}{{{{/inline}}}}{body}{{{{/layout}}}}"
        );
        checked(&text, &[layout])
    };
    assert_eq!(page("{{email}}", "{{first_name}}"), Ok(()));
    assert!(page("{{emial}}", "").unwrap_err().contains("\"emial\""));
    assert!(page("", "{{emial}}").unwrap_err().contains("\"emial\""));
    let error = checked("{{> layout}}{{#*inline \"nav\"}}{{/inline}}", &[layout]).unwrap_err();
    assert!(error.contains("a caller that encloses"), "{error}");
}

#[test]
fn partials_without_end_are_refused() {
    let error = checked("{{> a}}", &[("a", "{{> b}}"), ("b", "{{> a}}")]).unwrap_err();
    assert_eq!(error, "a: includes itself without end: a > b > a");
}

#[test]
fn what_is_used_of_a_row_is_told() {
    let sample = json!({ "a": "", "b": "", "c": "", "d": "", "e": "", "f g": "", "h": "", "vars": { "a": 1 } });
    let text = "{{a}} {{upper b}} {{default c \"x\"}} {{#if d}}{{d}}{{/if}} {{#if (eq e \"\")}}none{{else}}{{e}}{{/if}} \
                {{> p x=h}} {{vars.a}}";
    let template = source::setting("subject", text).unwrap();
    let partial = source::setting("p", "{{[f g]}} {{x}}").unwrap();
    let partials = BTreeMap::from([("p".to_owned(), partial)]);
    let uses = check(&partials, std::iter::once(&template), &sample).unwrap();
    let all = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    assert_eq!(all(&uses.named), "a, b, c, d, e, f g, h, vars");
    assert_eq!(all(&uses.printed), "a, b, f g, vars");
}
