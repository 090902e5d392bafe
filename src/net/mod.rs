//! The only sockets of the house, and the only `git` that is started. One [`Client`], online or offline, with limits, retries and an `ETag`
//! cache; one file a host. Returns bytes and says where they come from; knows nothing of what they mean.
//!
//! Reads no environment variable and no clock: addresses come in as [`BaseUrls`], pauses are told by
//! tokio's time (which tests can stop) and by the answers' own `Date` headers.

pub mod advisories;
pub mod archives;
mod base;
mod cache;
mod client;
mod error;
pub mod git;
pub mod hub;
pub mod index;
#[cfg(test)]
pub(crate) mod loopback;
mod pace;
pub mod package_index;
pub mod ranges;
pub mod registry_api;
mod request;
pub mod shared_store;

pub use base::{BaseUrlError, BaseUrls};
pub use client::{Client, Options};
pub use error::NetError;
pub use pace::Pace;
pub use request::{Answer, AnswerFrom, Caching, Expect, Method, Redirects, Request, Token};

/// The runtime that drives all requests of one run: one thread, made by the conductor.
///
/// # Errors
/// What the operating system says when it refuses a thread or a poller.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
