//! The disk is full at every append in turn, and fails at every sync in turn.

use super::*;
use crate::exit::Exit;
use crate::stop::Reason;

/// Runs into the fault at each place in turn; each time the run stops and says why, and the next one goes on.
fn in_turn(manner: Manner, connections: usize, reason: &str, fault: impl Fn(usize) -> Fault) {
    let trial = Trial::new(20, manner, connections);
    for at in 1.. {
        let lab = Lab::new("boot-1", fault(at));
        let came = trial.run(b"", &lab);
        if !lab.struck() {
            assert!(at > 4, "struck {at} times");
            return;
        }
        let what = format!("{manner:?}, {connections} connections, {:?}", fault(at));
        on_record(&lab, &came.received, &what);
        match came.ended {
            Ok(ended) => {
                assert_eq!(
                    ended.counts.exit(ended.stopped.is_some()),
                    Exit::Stopped,
                    "{what}"
                );
                match ended.stopped {
                    Some(Reason::Ledger(text)) => assert!(text.contains(reason), "{what}: {text}"),
                    other => panic!("{what}: {other:?}"),
                }
            }
            // Before the first connection.
            Err(Error::Ledger(error)) => {
                assert!(error.to_string().contains(reason), "{what}: {error}");
                assert!(came.received.is_empty(), "{what}");
            }
            Err(other) => panic!("{what}: {other}"),
        }
        let (written, lost) = (lab.written(), lab.power_lost(Kept::Part(0)));
        let next = trial.run(&written, &Lab::new("boot-1", Fault::Never));
        let all = together(&came.received, &next.received);
        let in_doubt = trial.judge(&all, &next.standings, &what);
        assert!(
            in_doubt <= manner.in_flight() * connections,
            "{what}: {in_doubt} in doubt"
        );
        // Half an append that cannot be taken back says more than was told, all of it true.
        if !matches!(fault(at), Fault::FullForGood(_)) {
            as_told(&came.standings, &next.standings, &what);
        }

        let next = trial.run(&lost, &Lab::new("boot-2", Fault::Never));
        let all = together(&came.received, &next.received);
        let in_doubt = trial.judge(&all, &next.standings, &what);
        assert!(
            in_doubt <= MOST_CLAIMED * connections,
            "{what}: {in_doubt} in doubt without power"
        );
    }
}

/// What was said when the run stopped is what the next one finds.
fn as_told(told: &Standings, found: &Standings, what: &str) {
    for (key, told) in told {
        let found = found[key];
        let right = match told {
            Standing::Accepted | Standing::Failed => found == *told,
            Standing::InDoubt => {
                // Refused before the content, and not recorded: told with too much care, and begun anew.
                found == Standing::InDoubt || key.starts_with("rcpt-")
            }
            // Nobody is in doubt of whom that was not said.
            _ => found != Standing::InDoubt,
        };
        assert!(
            right,
            "{what}: {key} was told to be {told:?}, and is {found:?}"
        );
    }
}

#[test]
fn a_full_disk_at_every_append() {
    for manner in Manner::ALL {
        for connections in [1, 2] {
            in_turn(manner, connections, "cannot write the ledger", Fault::Full);
        }
        in_turn(manner, 2, "cannot write the ledger", Fault::FullForGood);
    }
}

#[test]
fn a_failing_disk_at_every_sync() {
    for manner in Manner::ALL {
        for connections in [1, 2] {
            in_turn(
                manner,
                connections,
                "cannot make the ledger durable",
                Fault::Sync,
            );
        }
    }
}
