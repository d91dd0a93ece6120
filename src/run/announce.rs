//! What is said, and asked, before anything is sent.

use std::time::Duration;

use super::Error;
use super::plan::{Odd, Plan};
use super::send::{Options, held};
use crate::campaign::{InDoubt, Period, Rate, Server};
use crate::ledger::replay::Replay;
use crate::progress::Voice;
use crate::recipients::InvalidRow;
use crate::wording::{self, count};

/// Says what was found before anything is sent.
pub(super) fn introduce(plan: &Plan, replay: Option<&Replay>, due: u64, voice: &Voice) {
    let roster = &plan.roster;
    let file = plan.campaign.recipients.file.display();
    notes(plan, voice);
    if roster.rows == 0 {
        let none = match plan.campaign.recipients.only_where {
            None => "no rows below the header",
            Some(_) => "no row that \"where\" chooses",
        };
        voice.say(&format!("{file}: {none}; nothing to send"));
        return;
    }
    let see = plan.results_command("invalid");
    invalid_rows(plan, &roster.invalid_shown, roster.invalid, &see, voice);
    let standings = roster.counts();
    if roster.doubled > 0 {
        let unit = roster.unit();
        let left_out = count(roster.doubled, unit);
        voice.say(&format!(
            "{file}: {left_out} left out: an earlier {unit} has the same key"
        ));
    }
    if standings.suppressed > 0 {
        let who = count(standings.suppressed, "recipient");
        voice.say(&format!("{file}: {who} left out: on a suppress list"));
    }
    if let Some(replay) = replay
        && replay.torn > 0
    {
        voice.say("the ledger broke off in the middle of a line, which is dropped");
    }
    let held = held(plan);
    if held > 0 {
        let who = count(held, "recipient");
        let why = match plan.campaign.delivery.in_doubt {
            InDoubt::Hold => "",
            InDoubt::Resend => " (suppressed now, or the row is invalid now)",
        };
        voice.warn(&format!(
            "{who} in doubt, held back{why}: {}",
            plan.look_up()
        ));
    }
    let again = standings.in_doubt - held;
    if again > 0 {
        let who = count(again, "recipient");
        voice.warn(&format!(
            "{who} in doubt, to be mailed again with the same Message-ID: who has the first message may get a second one"
        ));
    }
    if due == 0 && replay.is_some() {
        voice.say(&format!(
            "nothing to send in run \"{}\": {standings}. To mail everyone again, name a new run with --run",
            plan.campaign.run
        ));
    } else if replay.is_some() {
        voice.say(&format!(
            "going on with run \"{}\": {standings}",
            plan.campaign.run
        ));
    }
}

/// Says how the list was read, where that is not plain from its name, and which rows somebody should look at.
pub fn notes(plan: &Plan, voice: &Voice) {
    for note in &plan.roster.notes {
        voice.say(note);
    }
    odd_rows(plan, &plan.roster.slips, voice, |meant| {
        format!("most likely {meant} was meant")
    });
    odd_rows(plan, &plan.roster.dotless, voice, |_| {
        "its domain has no dot, as only hosts of your own network have".to_owned()
    });
}

/// Points out rows that are mailed as they are, and how many more there are of their kind.
fn odd_rows(plan: &Plan, odd: &Odd, voice: &Voice, what: impl Fn(&str) -> String) {
    let file = plan.campaign.recipients.file.display();
    for (position, address, meant) in &odd.shown {
        voice.warn(&format!(
            "{file}:{}: row {}: {address}: {}; mailed as it is",
            position.line,
            position.row,
            what(meant)
        ));
    }
    let more = odd.rows.saturating_sub(odd.shown.len() as u64);
    if more > 0 {
        voice.warn(&format!(
            "{file}: {} of this kind",
            count(more, "further row")
        ));
    }
}

/// Shows the first few invalid rows, and says how many more there are and what to type to see them.
pub fn invalid_rows(plan: &Plan, shown: &[InvalidRow], all: u64, see: &str, voice: &Voice) {
    for row in shown {
        voice.warn(&row.describe(&plan.campaign.recipients.file));
    }
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        let further = if shown.is_empty() { "" } else { " more" };
        voice.warn(&format!(
            "{}{further} cannot be mailed; see: {see}",
            count(more, plan.roster.unit())
        ));
    }
}

/// The parts of the content that are not what they were when the run was begun.
pub(super) fn changed<'a>(plan: &'a Plan, replay: Option<&'a Replay>) -> Vec<&'a str> {
    let Some(replay) = replay else {
        return Vec::new();
    };
    plan.content
        .iter()
        .filter(|(part, print)| replay.content.get(*part) != Some(*print))
        .map(|(part, _)| part.as_str())
        .chain(
            replay
                .content
                .keys()
                .filter(|part| !plan.content.contains_key(*part))
                .map(String::as_str),
        )
        .collect()
}

pub(super) fn content_changed(
    plan: &Plan,
    replay: Option<&Replay>,
    options: Options<'_>,
    voice: &Voice,
) -> Result<(), Error> {
    let parts = changed(plan, replay);
    if parts.is_empty() {
        return Ok(());
    }
    let what = format!(
        "changed since run \"{}\" was begun: {}",
        plan.campaign.run,
        parts.join(", ")
    );
    if options.yes || plan.sandbox {
        voice.say(&format!("{what}; those not yet mailed get the new version"));
        return Ok(());
    }
    if voice.can_ask() {
        voice.warn(&what);
        return match voice.ask("Go on, and mail the new version to those not yet mailed?") {
            true => Ok(()),
            false => Err(Error::Refused("nothing was sent".to_owned())),
        };
    }
    Err(Error::Refused(format!(
        "{what}; --yes mails the new version to those not yet mailed, --run NAME begins a new run, which mails everyone"
    )))
}

/// Shows what is about to happen, and asks.
pub(super) fn confirmed(plan: &Plan, due: u64, voice: &Voice) -> bool {
    let campaign = &plan.campaign;
    voice.warn(&format!(
        "about to send run \"{}\" of \"{}\":\n  to       {}\n  from     {}",
        campaign.run,
        campaign.name,
        count(due, "recipient"),
        campaign.message.from,
    ));
    for server in &campaign.servers {
        voice.warn(&format!("  through  {}", route(server)));
    }
    let time = time(&campaign.servers, due);
    voice.warn(&format!("  time     {time}"));
    if let Some((to, subject)) = plan.sample() {
        voice.warn(&format!("  sample   to {to}: {subject}"));
    }
    voice.ask("Send?")
}

/// How long so many messages take.
pub(super) fn time(servers: &[Server], messages: u64) -> String {
    match least_time(servers, messages) {
        Some(time) if time.is_zero() => {
            "as fast as they are taken: no rate but a day's is set".to_owned()
        }
        Some(time) => {
            let told = wording::time(time);
            let of_day = |rate: &Rate| rate.period == Period::Day;
            let quota = servers.iter().any(|server| server.rates.iter().any(of_day));
            match quota && time >= DAY {
                true => format!(
                    "{told} at least, at these rates; at the end of a day's quota the run stops, or waits with --wait"
                ),
                false => format!("{told} at least, at these rates"),
            }
        }
        None if servers.len() == 1 => "as fast as the server takes them: no rate is set".to_owned(),
        None => "as fast as the servers take them: not all have a rate".to_owned(),
    }
}

/// `news@mx.example:587, 10 connections at most, 14/s, 50000/day`
pub(super) fn route(server: &Server) -> String {
    let connections = count(server.connections as u64, "connection");
    let rates = server.rates.iter().map(|rate| format!(", {rate}"));
    let rates: String = rates.collect();
    format!("{}, {connections} at most{rates}", server.name())
}

/// How long so many messages take at the rates that are set; `None` when a server has none. A rate a day is a quota: it
/// is used up as fast as can be, and then the next day is waited for.
pub(super) fn least_time(servers: &[Server], messages: u64) -> Option<Duration> {
    if servers.is_empty() || servers.iter().any(|server| server.rates.is_empty()) {
        return None;
    }
    let least = |of_day: bool| {
        let lowest = |server: &Server| {
            let rates = server.rates.iter();
            let rates = rates.filter(|rate| (rate.period == Period::Day) == of_day);
            let a_second =
                rates.map(|rate| f64::from(rate.messages) / rate.period.length().as_secs_f64());
            a_second.reduce(f64::min)
        };
        servers.iter().map(lowest).sum::<Option<f64>>()
    };
    let paced = least(false).map(|a_second| Duration::from_secs_f64(messages as f64 / a_second));
    let days = least(true).map(|a_second| {
        let a_day = (a_second * DAY.as_secs_f64()).round().max(1.0);
        let full = (messages.saturating_sub(1) as f64 / a_day).floor();
        DAY.mul_f64(full)
    });
    paced.max(days).or(Some(Duration::ZERO))
}

/// In which a quota is counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Period::{Minute, Second};

    #[test]
    fn the_slowest_rate_of_each_server_tells_the_time() {
        let server = |rates: &[(u32, Period)]| Server {
            rates: rates
                .iter()
                .map(|&(messages, period)| Rate { messages, period })
                .collect(),
            ..Server::default()
        };
        let both = [
            server(&[(10, Second), (60, Minute)]),
            server(&[(3, Second)]),
        ];
        assert_eq!(least_time(&both, 400), Some(Duration::from_secs(100)));
        assert_eq!(least_time(&[], 400), None);
        // A day's rate is no pace.
        let quota = [server(&[(1000, Period::Day)])];
        assert_eq!(least_time(&quota, 1000), Some(Duration::ZERO));
        assert_eq!(least_time(&quota, 2001), Some(DAY * 2));
        let end = "; at the end of a day's quota the run stops, or waits with --wait";
        assert!(time(&quota, 2001).ends_with(end));
        let slow = [server(&[(1, Period::Hour)])];
        assert_eq!(time(&slow, 49), "49 h at least, at these rates");
        let both = [server(&[(10, Second), (1000, Period::Day)])];
        assert_eq!(least_time(&both, 1000), Some(Duration::from_secs(100)));
        assert_eq!(least_time(&both, 1001), Some(DAY));
        assert_eq!(
            least_time(&[server(&[]), server(&[(3, Second)])], 400),
            None
        );
    }
}
