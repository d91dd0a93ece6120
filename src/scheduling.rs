//! What threads ask of the system's scheduler. Where it does not listen, a run is slower, and no less right.

/// Enough that whoever has it is put aside when another wants the core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Has this thread give way to others of the process: composing messages that are to leave later does, to sending those that
/// can leave now. A thread that sends would wait for a core as long as the system lets one compose, some milliseconds.
pub fn give_way() {
    // Elsewhere it would be the whole process that gives way to others.
    #[cfg(target_os = "linux")]
    if rustix::process::getpriority_process(None).is_ok_and(|nice| nice < NICE) {
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}

/// Has this thread woken within a microsecond of the time that it sleeps to, where the system can: Linux may be 50 late
/// unless it is told otherwise, more than all that a crew does in a turn.
pub fn wake_on_time() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1_000));
}
