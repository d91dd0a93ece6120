//! What a session does with a server that misbehaves.
