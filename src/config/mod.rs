//! custody.toml and custody.lock: raw text to valid policy.
