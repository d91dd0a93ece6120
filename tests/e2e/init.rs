//! A new user's path, as typed: `init`, `check`, `send --sandbox`, and the errors on the way, each answered by its message.

use std::fs;

use mailrun::init::EXAMPLES;

use super::support::{Folder, Ran, run};

/// A folder in which `campaign` is not there yet.
fn nothing() -> Folder {
    let folder = Folder::empty();
    fs::remove_dir(&folder.path).unwrap();
    folder
}

fn begun() -> Folder {
    let folder = nothing();
    assert_eq!(run(&folder, &["init", "campaign"]).status, 0);
    folder
}

fn change(folder: &Folder, file: &str, from: &str, to: &str) {
    let text = folder.read(file);
    assert!(text.contains(from), "{file}: {text}");
    folder.write(file, text.replacen(from, to, 1));
}

/// What is said to the next commands as they were typed: the same, by each of them, and nothing is sent.
#[track_caller]
fn answered(folder: &Folder, expected: &str) {
    for typed in [
        &["check", "campaign"][..],
        &["send", "campaign", "--sandbox"],
    ] {
        let Ran {
            status,
            stdout,
            stderr,
        } = run(folder, typed);
        assert_eq!(
            (status, stdout.as_str(), stderr.as_str()),
            (1, "", expected),
            "{typed:?}"
        );
    }
    assert!(!folder.path.join("runs").exists());
}

#[test]
fn the_path_works_as_it_is_typed() {
    let folder = nothing();
    let ran = run(&folder, &["init", "campaign"]);
    let said = "campaign has campaign.toml, recipients.csv, message.html.hbs, message.txt.hbs now. Next, type:\n  \
                mailrun check campaign\n  mailrun send campaign --sandbox\n";
    assert!(
        ran.status == 0 && ran.stdout.is_empty() && ran.stderr.starts_with(said),
        "{ran:?}"
    );

    let ran = run(&folder, &["check", "campaign"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(
        ran.stdout
            .starts_with("\"Spring letter\", run \"2026-04\": a send would start\n"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("look at"), "{ran:?}");

    let ran = run(&folder, &["send", "campaign", "--sandbox", "--json"]);
    assert_eq!(
        (ran.status, &ran.json()["accepted"]),
        (0, &3.into()),
        "{ran:?}"
    );
    let arrived = fs::read_dir(folder.path.join("sandbox/new")).unwrap();
    let arrived: Vec<_> = arrived
        .map(|it| fs::read_to_string(it.unwrap().path()).unwrap())
        .collect();
    let jack = arrived
        .iter()
        .find(|it| it.contains("jack@example.com"))
        .unwrap();
    assert!(
        jack.contains("Subject: Jack, spring is here\r\n") && jack.contains("\"O'Neill, Jack\""),
        "{jack}"
    );
}

#[test]
fn every_example_passes_its_check_and_goes_out() {
    for example in EXAMPLES {
        let folder = nothing();
        let ran = run(&folder, &["init", "campaign", "--example", example.name]);
        assert_eq!(ran.status, 0, "{ran:?}");
        for (name, bytes) in example.files {
            assert_eq!(fs::read(folder.path.join(name)).unwrap(), *bytes, "{name}");
        }
        // As they are told.
        let typed: Vec<_> = ran
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("  mailrun "))
            .collect();
        assert_eq!(typed.len(), 2, "{ran:?}");
        for typed in typed {
            let ran = run(&folder, &typed.split(' ').collect::<Vec<_>>());
            assert_eq!(ran.status, 0, "{}: {typed}: {ran:?}", example.name);
        }
    }
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = nothing();
    fs::create_dir(&folder.path).unwrap();
    folder.write("campaign.toml", "mine");
    let ran = run(&folder, &["init", "campaign"]);
    let there = "and stays as it is; name another folder, which init makes\n";
    assert_eq!(
        (ran.status, ran.stderr),
        (
            1,
            format!("mailrun: campaign: there is something in this folder, {there}")
        )
    );
    assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 1);
    assert_eq!(folder.read("campaign.toml"), "mine");

    let ran = run(&folder, &["init", "campaign/campaign.toml"]);
    assert_eq!(
        (ran.status, ran.stderr),
        (
            1,
            format!("mailrun: campaign/campaign.toml: this is a file, {there}")
        )
    );
    fs::remove_file(folder.path.join("campaign.toml")).unwrap();
    assert_eq!(run(&folder, &["init", "campaign"]).status, 0);

    let ran = run(&folder, &["init", "other", "--example", "newslettre"]);
    let known: Vec<_> = EXAMPLES.iter().map(|example| example.name).collect();
    assert_eq!(
        (ran.status, ran.stderr),
        (
            1,
            format!(
                "mailrun: there is no example \"newslettre\"; there are: {}\n",
                known.join(", ")
            )
        )
    );
    assert!(!folder.path.with_file_name("other").exists());
}

#[test]
fn a_misspelt_column_is_answered() {
    let folder = begun();
    change(
        &folder,
        "message.txt.hbs",
        "{{first_name}}",
        "{{frist_name}}",
    );
    answered(
        &folder,
        "mailrun: campaign/message.txt.hbs:2:6: no column or variable \"frist_name\"; did you mean \"first_name\"?\n",
    );
    let folder = begun();
    change(&folder, "campaign.toml", "\"email\"", "\"e-mail\"");
    answered(
        &folder,
        "mailrun: campaign/recipients.csv, header (line 1): there is no column \"e-mail\", which \"address\" under [recipients] \
         names; did you mean \"email\"? the columns are \"email\", \"name\", \"first_name\", \"plan\"\n",
    );
}

#[test]
fn a_missing_template_is_answered() {
    let folder = begun();
    fs::rename(
        folder.path.join("message.html.hbs"),
        folder.path.join("letter.html.hbs"),
    )
    .unwrap();
    answered(
        &folder,
        "mailrun: campaign/campaign.toml:19:11: there is no template \"campaign/message.html.hbs\"; write it\n",
    );
}

#[test]
fn a_wrong_encoding_is_answered() {
    let folder = begun();
    change(
        &folder,
        "campaign.toml",
        "[message]",
        "encoding = \"utf-8\"\n[message]",
    );
    folder.write(
        "recipients.csv",
        b"email,name,first_name,plan\na@example.org,Zo\xeb,Zoe,pro\n",
    );
    answered(
        &folder,
        "mailrun: campaign/recipients.csv, row 1 (line 2), column \"name\": the byte at offset 43 of the file is not UTF-8; save the \
         list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]\n",
    );
    // Left to itself, it is found, and said.
    change(&folder, "campaign.toml", "encoding = \"utf-8\"\n", "");
    let ran = run(&folder, &["check", "campaign"]);
    assert!(
        ran.status == 0
            && ran.stderr.contains("read as windows-1252")
            && ran.stderr.contains("Zoë"),
        "{ran:?}"
    );
}
