//! The real executable against real servers.
