//! Whether the machine has been up ever since: tells a killed process from a power loss.

use std::fs;

/// The kernel's id of this boot, where there is one. Without it a power loss has to be assumed.
pub fn id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}
