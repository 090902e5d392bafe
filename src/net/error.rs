//! Why a request was not answered.

/// Why there is no answer. The text is short enough to stand as the reason of an unknown fact; user
/// names, passwords and query strings of addresses are left out of it.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The run may open no socket.
    #[error("not asked: the run is offline")]
    Offline,
    /// The address cannot be asked at all.
    #[error("{url} is not an address that can be asked: {why}")]
    BadUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name that can be no part of an address.
    #[error("{0:?} is no valid crate name or version")]
    BadName(String),
    /// The TLS client could not be made, for example because the system has no root certificates.
    #[error("the TLS client could not be made: {0}")]
    Setup(String),
    /// No connection.
    #[error("no connection for {url}: {why}")]
    Connect {
        /// The address.
        url: String,
        /// What the connector says.
        why: String,
    },
    /// No answer, or no further byte of it, in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The address.
        url: String,
    },
    /// The run waits for nobody any longer.
    #[error("{url} was not waited for: the deadline of the run is over")]
    Deadline {
        /// The address.
        url: String,
    },
    /// An answer that is neither a success nor followed.
    #[error("{url} answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
        /// What the server calls the reason: `x-error-code`, as the model Hub sends it.
        code: Option<String>,
    },
    /// The server asks for a longer pause than this run waits, or for one more than it takes.
    #[error("{url} limits the rate of requests{}", pause_asked(*.seconds))]
    RateLimited {
        /// The address.
        url: String,
        /// Pause that the server asked for, in seconds, where it told one.
        seconds: Option<u64>,
    },
    /// More bytes than the request allows.
    #[error("{url} sent more than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A success whose body is something else, such as a login page where JSON should be.
    #[error("{url} sent {got} instead of {expected}")]
    Unexpected {
        /// The address.
        url: String,
        /// What came.
        got: String,
        /// What should have come.
        expected: String,
    },
    /// The body ended early or was damaged on the way.
    #[error("the answer of {url} broke off: {why}")]
    Broken {
        /// The address.
        url: String,
        /// What the connection says.
        why: String,
    },
    /// A file of which a part was read already is another one by now.
    #[error("{url} was replaced while it was being read")]
    Changed {
        /// The address.
        url: String,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, which is not followed: {why}")]
    Redirect {
        /// The address.
        url: String,
        /// Where it points.
        to: String,
        /// Why it is not followed.
        why: &'static str,
    },
}

fn pause_asked(seconds: Option<u64>) -> String {
    seconds.map_or_else(String::new, |s| format!(" and asks for a pause of {s} s"))
}

impl NetError {
    /// The status code, where the server answered with a plain failure.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the server says that the thing does not exist: 404, 410 and 451 mean the same to Cargo.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.status(), Some(404 | 410 | 451))
    }
}
