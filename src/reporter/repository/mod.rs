//! Custody of one repository: lines for a terminal, and a page with the timeline.

mod page;
mod terminal;

pub use page::html;
pub(super) use page::{Timeline, timeline};
pub use terminal::human;
