//! `diff`: two versions of a crate, held against each other.

use super::Failure;
use super::arguments::DiffArguments;
use super::{output, session};
use crate::audit::group_of;
use crate::collectors::custody::{self, CustodyFacts};
use crate::collectors::releases::{self, ReleaseFacts};
use crate::collectors::{self, close_look};
use crate::domain::inspection::Release;
use crate::domain::text::shown;
use crate::domain::{FactSheet, Graph};
use crate::reporter::{self, Format};

/// Shows what changed between two versions.
pub fn run(arguments: &DiffArguments) -> Result<u8, Failure> {
    let (name, versions) = (&arguments.name, [arguments.old.as_str(), arguments.new.as_str()]);
    let options = session::gather_options(&arguments.common, false)?;
    let mut graph = Graph { nodes: Vec::new(), roots: vec![0, 1] };
    for version in versions {
        graph.nodes.extend(collectors::single(name, version, &options)?.nodes);
    }
    let gathered = collectors::gather(&graph, &options)?;
    gathered.warnings.iter().for_each(|warning| output::warning(&shown(warning)));
    let look = |node: usize| {
        let checksum = graph.nodes[node].checksum.as_deref().unwrap_or_default();
        close_look::read_release(name, versions[node], checksum, &options)
    };
    let (old, new) = (look(0)?, look(1)?);
    let dependencies = close_look::dependencies(name, versions, &options);
    let mut diff =
        close_look::compare(name, (versions[0], &old), (versions[1], &new), dependencies);
    fill(&mut diff.old, &gathered.sheets[0]);
    fill(&mut diff.new, &gathered.sheets[1]);
    let asked = if arguments.json { Some("json") } else { arguments.format.as_deref() };
    output::in_format(asked, |format| {
        // The page is for a review, which reads the change itself.
        if arguments.patch || format == Format::Html {
            diff.patch = Some(close_look::patch(&old, &new));
        }
        Ok(match format {
            Format::Json => reporter::json_text(&diff)?,
            Format::Html => reporter::diff_page::html(&diff)?,
            _ => reporter::version_diff::human(&diff, output::width()),
        })
    })?;
    Ok(0)
}

/// What the bytes do not tell.
fn fill(release: &mut Release, sheet: &FactSheet) {
    release.published =
        group_of::<ReleaseFacts>(sheet, releases::GROUP).and_then(|facts| facts.published);
    release.published_by =
        group_of::<CustodyFacts>(sheet, custody::GROUP).and_then(|facts| facts.published_by);
}
