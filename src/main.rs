//! The edge of the process: parse, run, print the error chain, exit status.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use mailrun::campaign::{Campaign, InDoubt};
use mailrun::cli::{
    Check, Cli, Command, Dkim, Doubtful, Init, Keygen, LATER_COMMANDS, LATER_OPTIONS, Resolve,
    Results, Send, Status, Token, Verdict, Verify,
};
use mailrun::deliver::trace::Detail;
use mailrun::exit::Exit;
use mailrun::init;
use mailrun::ledger::repair;
use mailrun::message::dkim;
use mailrun::progress::Voice;
use mailrun::report::{repaired, results, status, summary};
use mailrun::run::plan::{Plan, Selection, ledger_path};
use mailrun::run::{Error, announce, check, dry, resolve, send, trial};
use mailrun::wording::{count, printable, shell_word};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error).into(),
    };
    let result = match &cli.command {
        Command::Init(options) => init_command(options),
        Command::Send(options) => send_command(options),
        Command::Check(options) => check_command(options),
        Command::Status(options) => status_command(options),
        Command::Results(options) => results_command(options),
        Command::Resolve(options) => resolve_command(options),
        Command::Dkim(Dkim::Keygen(options)) => keygen_command(options),
        Command::Token(Token::Verify(options)) => verify_command(options),
        Command::Other(words) => return unknown(words).into(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                // Errors that print their cause themselves are not to say it twice.
                let cause_text = cause.to_string();
                if !text.contains(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            complain(&text);
            Exit::Refused.into()
        }
    }
}

/// A wrong command line, or help or version asked for.
fn misread(error: &clap::Error) -> Exit {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
        && LATER_OPTIONS.contains(&option.split('=').next().unwrap_or_default())
    {
        complain(&format!("{option} is not there yet in this version"));
        return Exit::Usage;
    }
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Settled
    }
}

fn unknown(words: &[String]) -> Exit {
    let name = words.first().map(String::as_str).unwrap_or_default();
    if LATER_COMMANDS.contains(&name) {
        complain(&format!(
            "the command {name} is not there yet in this version; there are: init, send, check, status, results, resolve, dkim, token"
        ));
    } else {
        let name = printable(name);
        complain(&format!(
            "unknown command \"{name}\"; there are: init, send, check, status, results, resolve, dkim, token (see mailrun --help)"
        ));
    }
    Exit::Usage
}

fn init_command(options: &Init) -> Result<Exit, Error> {
    let example = init::choose(options.example.as_deref())?;
    init::write(example, &options.folder)?;
    let (folder, voice) = (shell_word(&options.folder), Voice::new(false));
    let files: Vec<_> = example.files.iter().map(|(name, _)| *name).collect();
    // The examples' servers, where they have any, ask for passwords that nobody has.
    let sandbox = match options.example {
        None => "",
        Some(_) => " --sandbox",
    };
    voice.say(&format!(
        "{folder} has {} now. Next, type:\n  mailrun check {folder}{sandbox}\n  mailrun send {folder} --sandbox\n\
         The first renders every message and sends nothing; the second sends into a mail server inside mailrun.",
        files.join(", ")
    ));
    Ok(Exit::Settled)
}

fn send_command(options: &Send) -> Result<Exit, Error> {
    let mut campaign = load(
        &options.campaign,
        options.run.as_deref(),
        options.recipients.as_deref(),
    )?;
    if !options.sandbox && options.dry_run.is_none() {
        campaign.check_suppressed(&variable)?;
    }
    match &options.server {
        Some(url) => campaign.use_server(url)?,
        None if options.sandbox || options.dry_run.is_some() => {}
        None => campaign.use_environment(&variable)?,
    }
    campaign.use_rates(&options.rate);
    if let Some(connections) = options.connections {
        campaign.use_connections(usize::from(connections));
    }
    match options.in_doubt {
        Some(Doubtful::Hold) => campaign.delivery.in_doubt = InDoubt::Hold,
        Some(Doubtful::Resend) => campaign.delivery.in_doubt = InDoubt::Resend,
        None => {}
    }
    let connections = options.connections.map(usize::from);
    let selection = match options.limit {
        Some(limit) => Selection::Limit(limit),
        None if options.test_to.is_some() && options.only.is_empty() => Selection::Limit(1),
        None if options.only.is_empty() => Selection::All,
        None => Selection::Only(options.only.clone()),
    };
    if options.test_to.is_some() {
        trial::prepare(&mut campaign);
    }
    let mut plan = Plan::make(campaign, selection, options.sandbox)?;
    let mut voice = Voice::new(options.quiet);
    if let Some(folder) = &options.dry_run {
        return dry_command(&plan, folder, options.json, &voice);
    }
    let how = send::Options {
        yes: options.yes,
        detail: match options.verbose {
            0 => None,
            1 => Some(Detail::Events),
            _ => Some(Detail::Conversation),
        },
        trace: options.trace.as_deref(),
        connections,
        wait: options.wait,
    };
    let ended = match &options.test_to {
        Some(to) => trial::run(&mut plan, to, how, &mut voice)?,
        None => send::run(&plan, how, &mut voice)?,
    };
    let times = summary::Times::of(ended.elapsed.unwrap_or_default(), ended.accepted);
    let stopped = ended
        .stopped
        .as_ref()
        .map(|reason| printable(&reason.to_string()));
    if options.json {
        let run = &plan.campaign.run;
        let summary = summary::Summary {
            run,
            counts: ended.counts,
            times: Some(times),
            stopped: stopped.clone(),
        };
        print_json(&summary)?;
    }
    if let Some(reason) = &stopped {
        voice.warn(&format!("stopped: {reason}"));
        let again = match options.test_to {
            Some(_) => "tests again",
            None => "goes on",
        };
        voice.warn(&format!("{}; the same command {again}", ended.counts));
    } else if ended.elapsed.is_some() {
        voice.say(&format!(
            "{} in {:.1} s ({:.0}/s)",
            ended.counts, times.elapsed_s, times.rate_per_s
        ));
    }
    if ended.doubted > 0 {
        let who = count(ended.doubted, "recipient");
        voice.warn(&format!("{who} in doubt: {}", plan.look_up()));
    }
    Ok(ended.chosen.exit(stopped.is_some()))
}

fn dry_command(plan: &Plan, folder: &Path, json: bool, voice: &Voice) -> Result<Exit, Error> {
    announce::notes(plan, voice);
    let done = dry::run(plan, folder)?;
    let see = plan.check_command();
    announce::invalid_rows(plan, &done.invalid_shown, done.invalid, &see, voice);
    if json {
        print_json(&serde_json::json!({
            "run": plan.campaign.run, "written": done.written, "invalid": done.invalid,
            "suppressed": done.suppressed, "duplicate": done.duplicate,
        }))?;
    }
    voice.say(&format!(
        "{} .eml files written to {}, {} invalid",
        done.written,
        folder.display(),
        done.invalid
    ));
    Ok(if done.invalid > 0 {
        Exit::Unsettled
    } else {
        Exit::Settled
    })
}

fn check_command(options: &Check) -> Result<Exit, Error> {
    let mut campaign = load(
        &options.campaign,
        options.run.as_deref(),
        options.recipients.as_deref(),
    )?;
    if !options.sandbox {
        campaign.check_suppressed(&variable)?;
        match &options.server {
            Some(url) => campaign.use_server(url)?,
            None => campaign.use_environment(&variable)?,
        }
    }
    let plan = Plan::make(campaign, Selection::All, options.sandbox)?;
    announce::notes(&plan, &Voice::new(false));
    let ask = check::Ask {
        servers: options.connect,
        dns: options.dns.then_some(options.dns_server),
    };
    let check = check::run(&plan, ask)?;
    match options.json {
        true => print_json(&check)?,
        false => print(|out| writeln!(out, "{check}"))?,
    }
    let mut reached = check.reached.iter().flatten();
    Ok(match check.would_start {
        false => Exit::Refused,
        true if check.is_pointless() => Exit::Refused,
        true if reached.any(|server| server.trouble.is_some()) => Exit::Stopped,
        true => Exit::Settled,
    })
}

fn status_command(options: &Status) -> Result<Exit, Error> {
    let which = &options.which;
    let campaign = load(
        &options.campaign,
        which.run.as_deref(),
        which.recipients.as_deref(),
    )?;
    let ledger = if options.repair {
        repair(&campaign, which.sandbox)?
    } else {
        None
    };
    let status = match ledger {
        Some(copy) => status::Status::read_from(&campaign, which.sandbox, &copy)?,
        None => status::Status::read(&campaign, which.sandbox)?,
    };
    let run = &campaign.run;
    if options.json {
        print_json(&summary::Summary {
            run,
            counts: status.counts,
            times: None,
            stopped: status.stopped(),
        })?;
    } else {
        print(|out| writeln!(out, "{status}"))?;
    }
    Ok(Exit::Settled)
}

/// Repairs the run's ledger, and says what came of it; gives the copy, when one was written.
fn repair(campaign: &Campaign, sandbox: bool) -> Result<Option<PathBuf>, Error> {
    let path = ledger_path(&campaign.dir, &campaign.run, sandbox);
    if !path.exists() {
        return Ok(None);
    }
    let copy = path.with_extension("repaired.jsonl");
    let repair = repair::repair(&path, &copy, &campaign.run, &campaign.name)?;
    let voice = Voice::new(false);
    for line in repaired::describe(&repair, &path) {
        voice.warn(&line);
    }
    Ok(repair.copy)
}

fn results_command(options: &Results) -> Result<Exit, Error> {
    let which = &options.which;
    let campaign = load(
        &options.campaign,
        which.run.as_deref(),
        which.recipients.as_deref(),
    )?;
    let out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = results::write(
        &campaign,
        options.which.sandbox,
        &options.state,
        options.format,
        out,
    )?;
    print_result(written)?;
    Ok(Exit::Settled)
}

fn resolve_command(options: &Resolve) -> Result<Exit, Error> {
    let which = &options.which;
    let campaign = load(
        &options.campaign,
        which.run.as_deref(),
        which.recipients.as_deref(),
    )?;
    let done = resolve::run(&campaign, which.sandbox, options.verdict, &options.keys)?;
    let voice = Voice::new(false);
    let (run, settled) = (&campaign.run, count(done.settled, "recipient"));
    voice.say(&match (done.settled, options.verdict) {
        (0, _) => format!("nobody is in doubt in run \"{run}\": {}", done.counts),
        (_, Verdict::Sent) => format!("{settled} no longer in doubt: accepted, never mailed again"),
        (_, Verdict::Unsent) => {
            format!("{settled} no longer in doubt: remaining, mailed by the next send")
        }
    });
    if done.settled > 0 {
        voice.say(&format!("run \"{run}\": {}", done.counts));
    }
    Ok(Exit::Settled)
}

fn keygen_command(options: &Keygen) -> Result<Exit, Error> {
    let kind = match options.ed25519 {
        true => dkim::Kind::Ed25519,
        false => dkim::Kind::Rsa,
    };
    let path = &options.out;
    let refused = |error: dkim::KeyError| Error::Refused(error.to_string());
    let pem = dkim::generate(kind).map_err(refused)?;
    let record = dkim::record(&pem).map_err(refused)?;
    dkim::write(path, &pem).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Refused(format!(
            "{} is there already, and stays as it is; name another file",
            path.display()
        )),
        _ => Error::Io {
            path: path.clone(),
            action: "write the key",
            source,
        },
    })?;
    let (selector, domain) = (&options.selector, &options.domain);
    print(|out| writeln!(out, "{selector}._domainkey.{domain}. IN TXT ( {record} )"))?;
    let (shown, voice) = (path.display(), Voice::new(false));
    voice.say(&format!(
        "the private key is in {shown}; publish the record above, then name the key in [[dkim]] of campaign.toml"
    ));
    Ok(Exit::Settled)
}

fn verify_command(options: &Verify) -> Result<Exit, Error> {
    let key = mailrun::compose::token_key(&options.key_env, &|name| std::env::var(name).ok())?;
    let claims = key.verify(&options.token);
    let claims = claims.map_err(|error| Error::Refused(error.to_string()))?;
    if options.json {
        print_json(&claims)?;
    } else {
        print(|out| writeln!(out, "{}", claims.address))?;
    }
    Ok(Exit::Settled)
}

fn load(path: &Path, run: Option<&str>, list: Option<&Path>) -> Result<Campaign, Error> {
    let mut campaign = Campaign::load_with(path, list, &variable)?;
    if let Some(run) = run {
        campaign.use_run(run)?;
    }
    Ok(campaign)
}

/// An environment variable.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Error> {
    print(|out| {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

fn print(write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    print_result(write(&mut out).and_then(|()| out.flush()))
}

/// A reader that has had enough closes the pipe: that is no error.
fn print_result(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(Error::Io {
            path: "standard output".into(),
            action: "write",
            source,
        }),
        Ok(()) => Ok(()),
    }
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "mailrun: {text}");
}
