//! Places, standings, and who is left out.
#![allow(clippy::unwrap_used)]

use super::*;

fn of(keys: &[&str]) -> (Standings, u64) {
    let mut gather = Gather::default();
    keys.iter().for_each(|key| gather.add(key));
    let (standings, beside) = gather.finish();
    (standings, beside.duplicate)
}

#[test]
fn a_slot_is_sixteen_bytes() {
    assert_eq!(size_of::<Slot>(), 16);
}

#[test]
fn each_key_has_one_place_and_doubles_are_counted() {
    let (standings, doubled) = of(&["a", "b", "a", "c", "a"]);
    assert_eq!((standings.len(), doubled), (3, 2));
    assert!(standings.find(KeyHash::of("b")).is_some());
    assert!(standings.find(KeyHash::of("d")).is_none());
}

#[test]
fn who_is_barred_is_left_out_until_something_was_sent() {
    let mut gather = Gather::default();
    ["a", "c", "e"].iter().for_each(|key| gather.add(key));
    ["b", "c"].iter().for_each(|key| gather.add_suppressed(key));
    ["d", "e", "d", "b"]
        .iter()
        .for_each(|key| gather.add_invalid(key));
    gather.add("c");
    gather.add("e");
    let (standings, beside) = gather.finish();
    let expected = Beside {
        duplicate: 3,
        invalid: 3,
    };
    assert_eq!((standings.len(), beside), (5, expected));
    let find = |key| standings.find(KeyHash::of(key)).unwrap();
    for (standing, open) in [
        (Standing::Remaining, true),
        (Standing::Deferred, true),
        (Standing::Accepted, false),
        (Standing::Failed, false),
        (Standing::InDoubt, false),
        (Standing::Invalid, true),
        (Standing::Claimed, true),
        (Standing::Sending, false),
    ] {
        for (key, barred) in [
            ("a", None),
            ("b", Some(Barred::Suppressed)),
            ("c", Some(Barred::Suppressed)),
            ("d", Some(Barred::Invalid)),
            // One of its rows is right.
            ("e", None),
        ] {
            standings.set(find(key), standing);
            standings.set_attempts(find(key), MOST_ATTEMPTS);
            assert_eq!(standings.barred(find(key)), barred, "{key} {standing:?}");
            let left_out = barred.filter(|_| open);
            assert_eq!(
                standings.left_out(find(key)),
                left_out,
                "{key} {standing:?}"
            );
        }
    }
}

#[test]
fn every_key_is_found_among_many_and_no_other() {
    for many in [1, 2, 3, 10, 1000, 20_000] {
        let keys: Vec<_> = (0..many).map(|n| format!("r{n}@list.example")).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let (standings, _) = of(&keys);
        let mut places = std::collections::HashSet::new();
        for key in keys {
            let place = standings.find(KeyHash::of(key)).unwrap();
            assert!(places.insert(place), "{key} has another's place");
        }
        for n in 0..many {
            assert_eq!(standings.find(KeyHash::of(&format!("x{n}"))), None);
        }
    }
}

#[test]
fn hashes_that_defeat_guessing_are_found_too() {
    // Their fronts are nearly all the same, or all, or at the ends of what there is.
    let hash = |front: u32, rest: u32| {
        let mut hash = [0; 14];
        hash[..4].copy_from_slice(&front.to_be_bytes());
        hash[4..8].copy_from_slice(&rest.to_be_bytes());
        KeyHash(hash)
    };
    for front in [0, 7, u32::MAX] {
        let mut gather = Gather::default();
        for rest in 0..5000 {
            gather.slots.push(Slot {
                hash: hash(front, 2 * rest),
                bits: AtomicU16::new(0),
            });
        }
        let (standings, _) = gather.finish();
        for rest in 0..5000 {
            let place = standings.find(hash(front, 2 * rest)).unwrap();
            assert_eq!(place.index(), rest as usize);
            assert_eq!(standings.find(hash(front, 2 * rest + 1)), None);
        }
        assert_eq!(standings.find(hash(front ^ 1, 0)), None);
    }
}

#[test]
fn the_parts_of_a_slot_do_not_disturb_each_other() {
    let (standings, _) = of(&["a", "b"]);
    let (a, b) = (
        standings.find(KeyHash::of("a")).unwrap(),
        standings.find(KeyHash::of("b")).unwrap(),
    );
    for standing in Standing::ALL {
        standings.set(a, standing);
        standings.set_attempts(a, 499);
        standings.choose(a);
        standings.choose(b);
        standings.pass_over(b);
        assert!(standings.meet(a));
        assert!(!standings.meet(a));
        standings.forget_met();
        assert_eq!(
            (
                standings.standing(a),
                standings.attempts(a),
                standings.chosen(a)
            ),
            (standing, 499, true)
        );
        assert_eq!(
            (
                standings.standing(b),
                standings.attempts(b),
                standings.chosen(b)
            ),
            (Standing::Remaining, 0, false)
        );
    }
    standings.set_attempts(a, u16::MAX);
    assert_eq!(standings.attempts(a), MOST_ATTEMPTS);
}

#[test]
fn a_row_met_again_never_undoes_what_a_courier_records() {
    let (standings, _) = of(&["a"]);
    let a = standings.find(KeyHash::of("a")).unwrap();
    standings.meet(a);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The feeder: a duplicate row further down the list.
        scope.spawn(|| {
            while !done.load(Relaxed) {
                assert!(!standings.meet(a));
            }
        });
        for attempt in 0..200_000u32 {
            let attempt = (attempt % 500) as u16;
            standings.set_attempts(a, attempt);
            standings.set(a, Standing::Accepted);
            let seen = (standings.standing(a), standings.attempts(a));
            standings.set(a, Standing::Remaining);
            if seen != (Standing::Accepted, attempt) {
                done.store(true, Relaxed);
            }
            assert_eq!(seen, (Standing::Accepted, attempt));
        }
        done.store(true, Relaxed);
    });
}
