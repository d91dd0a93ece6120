//! How many messages each server took lately, as a ledger says: what a quota a day is counted from after a restart.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use jiff::Timestamp;

use super::LedgerError;
use super::doubt::Trace;
use super::entry::{Entry, State};

/// Messages by the second since 1970 in which they were taken.
pub type Taken = BTreeMap<u64, u64>;

/// What each server took, or, of those in doubt, may have taken, since a moment. A ledger that is not there says nothing.
///
/// # Errors
/// A file that cannot be read.
pub fn taken_since<'a>(
    path: &Path,
    doubts: impl Iterator<Item = &'a Trace>,
    since: Timestamp,
) -> Result<HashMap<String, Taken>, LedgerError> {
    let mut servers: HashMap<String, Taken> = HashMap::new();
    let mut count = |server: Option<&str>, time: &str| {
        if let (Some(server), Ok(time)) = (server, time.parse::<Timestamp>())
            && let Ok(second) = u64::try_from(time.as_second())
            && time >= since
        {
            let server = servers.entry(server.to_owned()).or_default();
            *server.entry(second).or_default() += 1;
        }
    };
    for doubt in doubts {
        count(doubt.server.as_deref(), &doubt.time);
    }
    let io = |source| LedgerError::io(path, "read the ledger", source);
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(servers),
        file => file.map_err(io)?,
    };
    let (mut reader, mut line) = (BufReader::with_capacity(1 << 16, file), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
            return Ok(servers);
        }
        // Most lines say something else, and need not be taken apart.
        if memchr::memmem::find(&line, b"\"state\":\"accepted\"").is_none() {
            continue;
        }
        // What is no entry is the replay's matter.
        if let Ok(entry) = serde_json::from_slice::<Entry<'_>>(&line)
            && entry.state == State::Accepted
        {
            count(entry.server.as_deref(), &entry.time);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_servers_took_since_then_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        assert!(
            taken_since(&path, [].iter(), Timestamp::UNIX_EPOCH)
                .unwrap()
                .is_empty()
        );
        let lines = [
            r#"{"mailrun_ledger":1,"run":"r","campaign":"c","time":"2026-11-20T10:00:00Z","content":{}}"#,
            r#"{"time":"2026-11-20T09:59:59.999Z","key":"a","row":1,"state":"accepted","attempt":1,"server":"x:25"}"#,
            r#"{"time":"2026-11-20T10:00:00.000Z","key":"b","row":2,"state":"accepted","attempt":1,"server":"x:25"}"#,
            r#"{"time":"2026-11-20T10:00:00.500Z","key":"c","row":3,"state":"in_doubt","attempt":1,"server":"x:25"}"#,
            r#"{"time":"2026-11-20T10:00:01.000Z","key":"d","row":4,"state":"accepted","attempt":1,"server":"y:25"}"#,
            r#"{"time":"2026-11-20T10:00:02.000Z","key":"e","row":5,"state":"failed","attempt":1,"server":"y:25","reply":"\"state\":\"accepted\""}"#,
            r#"{"time":"2026-11-20T10:00:02.000Z","key":"f","row":6,"state":"claimed","attempt":1,"server":"y:25"}"#,
            r#"{"time":"2026-11-20T10:00:03.000Z","key":"c","row":3,"state":"accepted","attempt":1,"by":"person"}"#,
            r#"{"time":"2026-11-20T10:00:04.000Z","key":"g","row":7,"state":"acc"#,
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let since = "2026-11-20T10:00:00Z".parse().unwrap();
        let doubt = |time: &str| Trace {
            message_id: None,
            server: Some("x:25".to_owned()),
            time: time.to_owned(),
        };
        let doubts = [
            doubt("2026-11-20T09:59:00.000Z"),
            doubt("2026-11-20T10:00:00.500Z"),
        ];
        let taken = taken_since(&path, doubts.iter(), since).unwrap();
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second() as u64;
        assert_eq!(taken.len(), 2);
        assert_eq!(
            taken["x:25"],
            Taken::from([(second("2026-11-20T10:00:00Z"), 2)])
        );
        assert_eq!(
            taken["y:25"],
            Taken::from([(second("2026-11-20T10:00:01Z"), 1)])
        );
    }
}
