//! Who logs in to a `[[server]]`, and where the password comes from. It is asked for when it is needed, not here.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::error::Mistake;
use super::section::Section;
use super::url::is_user_name;
use super::{Login, Mechanism, SecretSource};

/// The settings that a password can come from.
const SOURCES: &[&str] = &[
    "password_env",
    "password_file",
    "password_command",
    "keyring",
];

/// `from_url`: the user name that the URL has, which stands at `url`.
pub(super) fn read(
    section: &Section<'_>,
    dir: &Path,
    from_url: Option<String>,
    url: Range<usize>,
) -> Result<Option<Login>, Mistake> {
    let username = match (username(section)?, from_url) {
        (Some(written), Some(from_url)) if *written.get_ref() != from_url => {
            let text = "the URL has another user name than \"username\"; leave one of them out";
            return Err(Mistake::new(written.span(), text));
        }
        (Some(written), _) => Some(written),
        (None, from_url) => from_url.map(|name| Spanned::new(url, name)),
    };
    let auth = section.choice(
        "auth",
        &[
            ("auto", None),
            ("plain", Some(Mechanism::Plain)),
            ("login", Some(Mechanism::Login)),
            ("xoauth2", Some(Mechanism::Xoauth2)),
        ],
    )?;
    let secret = source(section, dir)?;
    let lonely = |span, key| {
        let text = format!(
            "{} is for a login, and nobody is named; add username = \"...\"",
            section.name(key)
        );
        Err(Mistake::new(span, text))
    };
    match (username, secret) {
        (Some(username), Some((_, secret))) => Ok(Some(Login {
            username: username.into_inner(),
            secret: secret.into_inner(),
            mechanism: auth.and_then(Spanned::into_inner),
        })),
        (Some(username), None) => Err(Mistake::new(
            username.span(),
            "a user name needs a password; say where it comes from: password_env = \"VARIABLE\", or password_file, \
             password_command, keyring = true",
        )),
        (None, Some((key, secret))) => lonely(secret.span(), key),
        (None, None) => match auth {
            Some(auth) => lonely(auth.span(), "auth"),
            None => Ok(None),
        },
    }
}

fn username(section: &Section<'_>) -> Result<Option<Spanned<String>>, Mistake> {
    let Some(written) = section.filled("username")? else {
        return Ok(None);
    };
    if !is_user_name(written.get_ref()) {
        let name = section.name("username");
        let text = format!("{name} has a control character; leave it out");
        return Err(Mistake::new(written.span(), text));
    }
    let text = written.get_ref().to_string();
    Ok(Some(Spanned::new(written.span(), text)))
}

/// The one setting that says where the password comes from.
fn source(
    section: &Section<'_>,
    dir: &Path,
) -> Result<Option<(&'static str, Spanned<SecretSource>)>, Mistake> {
    let mut found: Option<(&'static str, Spanned<SecretSource>)> = None;
    for key in SOURCES {
        let Some(value) = section.value(key) else {
            continue;
        };
        let Some(source) = one_source(section, dir, key)? else {
            continue;
        };
        let source = Spanned::new(value.span(), source);
        if let Some((first, earlier)) = found {
            let later = earlier.span().start.max(source.span().start);
            let text = format!(
                "\"{first}\" and \"{key}\" in [[server]] both say where the password comes from; leave one of them out"
            );
            return Err(Mistake::new(later..later, text));
        }
        found = Some((key, source));
    }
    Ok(found)
}

fn one_source(
    section: &Section<'_>,
    dir: &Path,
    key: &str,
) -> Result<Option<SecretSource>, Mistake> {
    Ok(match key {
        "password_env" => section.filled(key)?.map(variable).transpose()?,
        "password_file" => {
            let file = section.filled(key)?;
            file.map(|file| SecretSource::File(dir.join(file.get_ref())))
        }
        "password_command" => Some(command(section, dir, key)?),
        _ => section
            .flag(key)?
            .unwrap_or(false)
            .then_some(SecretSource::Keyring),
    })
}

fn variable(written: Spanned<&str>) -> Result<SecretSource, Mistake> {
    let name = *written.get_ref();
    // What a variable's name can never have; most likely it is the password itself, which is not repeated.
    if name.contains(['=', '$', ' ']) || name.contains(char::is_control) {
        let text = "\"password_env\" in [[server]] must be the name of an environment variable, such as \"SMTP_PASSWORD\", \
                    not the password itself";
        return Err(Mistake::new(written.span(), text));
    }
    Ok(SecretSource::Env(name.to_owned()))
}

/// The program and its arguments. One that is named by a path is a path of the campaign, as every other is.
fn command(section: &Section<'_>, dir: &Path, key: &str) -> Result<SecretSource, Mistake> {
    let words = section.texts(key)?;
    let span = section.value(key).map_or(section.span(), Spanned::span);
    let wrong = |text: &str| {
        let name = section.name(key);
        Err(Mistake::new(span.clone(), format!("{name} {text}")))
    };
    match words.first() {
        Some(program) if !program.get_ref().trim().is_empty() => {}
        _ => {
            return wrong(
                "names no program; write it and its arguments, such as [\"pass\", \"show\", \"smtp\"]",
            );
        }
    }
    if words.iter().any(|word| word.get_ref().contains('\0')) {
        return wrong("has a NUL, which no program can be given; leave it out");
    }
    let words = words.iter().enumerate().map(|(at, word)| {
        let word = *word.get_ref();
        match at == 0 && word.contains('/') {
            true => dir.join(word).display().to_string(),
            false => word.to_owned(),
        }
    });
    Ok(SecretSource::Command(words.collect()))
}
