//! The vocabulary that every other module speaks: who is audited ([`subject`]), what was measured
//! ([`fact`]), what backs a claim ([`evidence`]), what is risky ([`rule`]), what was found
//! ([`finding`]) and what the user is told ([`report`]).
//!
//! Plain data only: opens nothing and decides nothing.
//!
//! ```
//! use custody_facts::{FactSheet, Measured, Origin, Subject, SubjectKind};
//!
//! let subject = Subject {
//!     kind: SubjectKind::Crate,
//!     name: "zlib".to_owned(),
//!     version: "1.0.0".to_owned(),
//!     origin: Origin::Local,
//! };
//! let mut sheet = FactSheet::new(subject);
//! sheet.put("owners", &Measured::<u32>::unknown("the registry did not answer"));
//! // Unknown keeps its reason, and is neither zero nor fine.
//! assert_eq!(sheet.facts["owners"]["$unknown"], "the registry did not answer");
//! ```

pub mod custody_report;
pub mod evidence;
pub mod fact;
pub mod finding;
pub mod fleet;
pub mod graph;
pub mod hands;
pub mod hash;
pub mod inspection;
pub mod ledger;
pub mod pin;
pub mod place;
pub mod publish_age;
pub mod report;
pub mod rule;
pub mod source;
pub mod subject;
pub mod text;
pub mod timeline;
pub mod waiver;

pub use custody_report::CustodyReport;
pub use evidence::{Evidence, Location};
pub use fact::{FactSheet, Measured};
pub use finding::{Change, Finding, PathStep, Undetermined};
pub use graph::{Graph, Node, NodeIndex};
pub use hands::{Hands, HandsLane, LaneOwner, LaneRelease};
pub use pin::{BuildPin, CratePin, ModelPin, PackagePin, PinnedFile, Pins};
pub use place::{Place, PlaceKind, Places};
pub use publish_age::{AgeSetting, PublishAges};
pub use report::Report;
pub use rule::{Axis, Level, RuleId};
pub use source::Sources;
pub use subject::{Origin, Subject, SubjectKind};
pub use waiver::Waiver;
