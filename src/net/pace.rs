//! How often one server is asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Turns at most one request per interval: each caller waits until its turn. Time is tokio's, so a
/// test can stop it.
#[derive(Debug, Default)]
pub struct Pace {
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Waits for this caller's turn and books the next one `interval` later.
    pub async fn turn(&self, interval: Duration) {
        let now = Instant::now();
        let mine = self.book(now, interval);
        if mine > now {
            sleep_until(mine).await;
        }
    }

    /// The moment at which a caller who comes `now` may ask.
    fn book(&self, now: Instant, interval: Duration) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = next.map_or(now, |n| n.max(now));
        *next = mine.checked_add(interval);
        mine
    }

    /// Lets nobody through for `pause`: the server asked for it.
    pub fn hold(&self, pause: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now().checked_add(pause);
        *next = (*next).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn three_requests_at_one_a_second_take_two_seconds() {
        let (pace, start) = (Pace::default(), Instant::now());
        let turns = [(); 3].map(|()| pace.book(start, SECOND) - start);
        assert_eq!(turns, [Duration::ZERO, SECOND, 2 * SECOND]);
    }

    #[test]
    fn a_caller_who_comes_late_does_not_wait() {
        let (pace, start) = (Pace::default(), Instant::now());
        pace.book(start, SECOND);
        let late = start + 5 * SECOND;
        assert_eq!(pace.book(late, SECOND), late);
    }

    #[test]
    fn a_pause_that_the_server_asks_for_holds_everybody() {
        let pace = Pace::default();
        let start = Instant::now();
        pace.hold(30 * SECOND);
        assert!(pace.book(start, Duration::ZERO) >= start + 30 * SECOND);
    }
}
