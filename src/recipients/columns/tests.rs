//! Tests of the columns: names found, and the nearest one given.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn settings() -> ListSettings {
    ListSettings::new("list.csv")
}

fn read(names: &[&str], settings: &ListSettings) -> Result<Columns, String> {
    let header = csv::StringRecord::from(names);
    Columns::new(&header, Place::Header { line: 3 }, settings).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(names: &[&str], settings: &ListSettings, error: &str) {
    let expected = format!("list.csv, header (line 3): {error}");
    assert_eq!(read(names, settings).unwrap_err(), expected);
}

#[test]
fn names_are_trimmed_and_matched_exactly() {
    let columns = read(
        &["Email", " email\u{a0}", "Vars", "id", "full name"],
        &ListSettings {
            display: Some("full name".to_owned()),
            key: Some("id".to_owned()),
            required: vec!["full name".to_owned(), "Vars".to_owned()],
            ..settings()
        },
    )
    .unwrap();
    assert_eq!(
        columns.names[..],
        ["Email", "email", "Vars", "id", "full name"].map(str::to_owned)
    );
    assert_eq!(columns.address, 1);
    assert_eq!(columns.display, Some(4));
    assert_eq!(columns.key, Some(3));
    assert_eq!(columns.required, [4, 2]);
}

#[test]
fn every_column_needs_a_name_of_its_own() {
    refused(
        &["email", " ", "name"],
        &settings(),
        "column 2 of 3 has no name; name it, or take the column out (a delimiter too many makes one)",
    );
    refused(
        &["email", ""],
        &settings(),
        "column 2 of 2 has no name; name it, or take the column out (a delimiter too many makes one)",
    );
    refused(
        &["email", "name", "id", " name"],
        &settings(),
        "columns 2 and 4 are both named \"name\"; rename one of them",
    );
}

#[test]
fn names_of_built_in_values_are_refused() {
    for name in [
        "vars",
        "campaign",
        "send_id",
        "message_id",
        "unsubscribe_url",
        "unsubscribe_token",
        "row_number",
    ] {
        refused(
            &["email", name],
            &settings(),
            &format!(
                "column 2 is named \"{name}\", which is a value of mailrun's own in every template; rename the column"
            ),
        );
    }
}

#[test]
fn a_missing_column_is_told_with_its_setting() {
    let wanted = || "nmae".to_owned();
    for (setting, settings) in [
        (
            "address",
            ListSettings {
                address: wanted(),
                ..settings()
            },
        ),
        (
            "display",
            ListSettings {
                display: Some(wanted()),
                ..settings()
            },
        ),
        (
            "key",
            ListSettings {
                key: Some(wanted()),
                ..settings()
            },
        ),
        (
            "required",
            ListSettings {
                required: vec!["email".to_owned(), wanted()],
                ..settings()
            },
        ),
    ] {
        refused(
            &["email", "name\u{1b}"],
            &settings,
            &format!(
                "there is no column \"nmae\", which \"{setting}\" under [recipients] names; \
                 did you mean \"name\\u{{1b}}\"? the columns are \"email\", \"name\\u{{1b}}\""
            ),
        );
    }
}

#[test]
fn a_missing_column_is_told_with_what_there_is() {
    let missing = "there is no column \"email\", which \"address\" under [recipients] names; ";
    for (names, hint) in [
        (
            &["name", "E-Mail"][..],
            "did you mean \"E-Mail\"? the columns are \"name\", \"E-Mail\"",
        ),
        (
            &["id", "x"],
            "correct the setting or the header: the columns are \"id\", \"x\"",
        ),
        (
            &["email;name"],
            "the header is one column, \"email;name\": if ';' separates the columns, set delimiter = \";\" under [recipients]",
        ),
    ] {
        refused(names, &settings(), &format!("{missing}{hint}"));
    }
    let many: Vec<_> = (1..=22).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let error = read(&many, &settings()).unwrap_err();
    assert!(error.ends_with(" \"19\", \"20\" and 2 more"), "{error}");
}
