//! The power is lost, or the process killed, at every operation on the ledger in turn.

use super::*;

/// Nothing of what was not synced is left, all of it, or it breaks off somewhere.
const KEPT: [Kept; 5] = [
    Kept::Part(0),
    Kept::Part(37),
    Kept::PartAndNuls(61),
    Kept::Part(83),
    Kept::Part(100),
];

/// Recipients in doubt at the end, summed over all places of the cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Doubts {
    cuts: usize,
    power: usize,
    kill: usize,
}

fn at_every_operation(recipients: usize, manner: Manner, connections: usize) {
    let trial = Trial::new(recipients, manner, connections);
    let mut doubts = Doubts::default();
    for at in 1.. {
        let lab = Lab::new("boot-1", Fault::Off(at));
        let cut = trial.run(b"", &lab);
        if !lab.struck() {
            let all = trial.judge(&cut.received, &cut.standings, "uncut");
            assert_eq!((all, cut.ended.unwrap().stopped), (0, None));
            break;
        }
        doubts.cuts += 1;
        let what = format!("{manner:?}, {connections} connections, cut at {at}");
        on_record(&lab, &cut.received, &what);
        let goes_on = |ledger: &[u8], boot: &str, what: &str| {
            let next = trial.run(ledger, &Lab::new(boot, Fault::Never));
            let all = together(&cut.received, &next.received);
            trial.judge(&all, &next.standings, what)
        };
        let mut power = 0;
        for kept in KEPT {
            power = goes_on(
                &lab.power_lost(kept),
                "boot-2",
                &format!("{what}, {kept:?}"),
            );
            assert!(
                power <= MOST_CLAIMED * connections,
                "{what}, {kept:?}: {power} in doubt"
            );
            doubts.power = doubts.power.max(power);
        }
        // The same file after a kill.
        let kill = goes_on(
            &lab.written_and_interrupted(),
            "boot-1",
            &format!("{what}, killed"),
        );
        assert!(
            kill <= manner.in_flight() * connections,
            "{what}: {kill} in doubt"
        );
        assert!(
            kill <= power,
            "{what}: {kill} in doubt after a kill, {power} after a power loss"
        );
        doubts.kill = doubts.kill.max(kill);
        goes_on(
            &lab.written(),
            "boot-1",
            &format!("{what}, killed before it"),
        );
    }
    // What cannot show itself proves nothing: some cuts leave somebody in doubt, and a kill leaves fewer.
    assert!(
        0 < doubts.kill && doubts.kill < doubts.power,
        "{doubts:?} at most"
    );
}

/// One process after the other dies, by a power loss or a kill, each going on with what the one before it left.
#[test]
fn again_and_again() {
    for seed in 0..30 {
        let mut random = Random(seed);
        let connections = 1 + random.below(3);
        let manner = Manner::ALL[random.below(3)];
        let trial = Trial::new(40, manner, connections);
        let (mut ledger, mut boot, mut received) = (Vec::new(), 1, Received::new());
        let (mut most, mut story) = (0, format!("seed {seed}, {manner:?}, {connections}"));
        for process in 0.. {
            let fault = match process {
                0..6 => Fault::Off(1 + random.below(25)),
                _ => Fault::Never,
            };
            let lab = Lab::new(&format!("boot-{boot}"), fault);
            let came = trial.run(&ledger, &lab);
            on_record(&lab, &came.received, &story);
            received = together(&received, &came.received);
            if !lab.struck() {
                let in_doubt = trial.judge(&received, &came.standings, &story);
                assert!(in_doubt <= most, "{story}: {in_doubt} in doubt");
                break;
            }
            let kept = Kept::Part(random.below(101));
            if random.below(2) == 0 {
                ledger = lab.written();
                most += manner.in_flight() * connections;
                story += &format!(", {fault:?} killed");
            } else {
                ledger = lab.power_lost(kept);
                boot += 1;
                most += MOST_CLAIMED * connections;
                story += &format!(", {fault:?} {kept:?}");
            }
        }
    }
}

/// Numbers that look random, the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

#[test]
fn power_is_lost_command_by_command() {
    at_every_operation(20, Manner::Sequential, 1);
    at_every_operation(20, Manner::Sequential, 2);
}

#[test]
fn power_is_lost_pipelined() {
    at_every_operation(20, Manner::Pipelined, 1);
    at_every_operation(20, Manner::Pipelined, 2);
}

#[test]
fn power_is_lost_in_chunks() {
    at_every_operation(30, Manner::Chunked, 1);
    at_every_operation(30, Manner::Chunked, 2);
}
