//! When commits were made, as far as they agree with each other: a date is whatever the committer's machine or an
//! environment variable says, and a commit that dates itself two years back would pass as known of old.
//!
//! Along the main line the dates that grow are believed, as many as there are; one that leaves them by more than a
//! day gets that of the commit before it. Beside the main line a commit is not older than its parents, and not
//! younger than the commit of the main line that took it in.

use std::collections::{HashMap, HashSet};

use crate_read::git_objects::ObjectId;

use super::{Change, DAY};

/// Mends the dates of all commits that lead to one.
pub(super) fn mend(changes: &mut [Change], head: &ObjectId) {
    let at: HashMap<ObjectId, usize> =
        changes.iter().enumerate().map(|(at, change)| (change.id, at)).collect();
    let mut line = main_line(changes, &at, head);
    line.reverse();
    mend_line(changes, &line);
    mend_beside(changes, &at, &line);
}

/// First parents from the head on, newest first.
fn main_line(changes: &[Change], at: &HashMap<ObjectId, usize>, head: &ObjectId) -> Vec<usize> {
    let (mut line, mut seen) = (Vec::new(), HashSet::new());
    let mut next = at.get(head).copied();
    while let Some(place) = next.filter(|place| seen.insert(*place)) {
        line.push(place);
        next = changes[place].parents.first().and_then(|parent| at.get(parent)).copied();
    }
    line
}

/// Believes the longest growing row of dates.
fn mend_line(changes: &mut [Change], line: &[usize]) {
    // The longest row that does not fall: `ends` has the place of the smallest last date of a row of each length.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; line.len()];
    for (place, change) in line.iter().enumerate() {
        let seconds = changes[*change].seconds;
        let length = ends.partition_point(|end| changes[line[*end]].seconds <= seconds);
        before[place] = length.checked_sub(1).map(|length| ends[length]);
        if length == ends.len() {
            ends.push(place);
        } else {
            ends[length] = place;
        }
    }
    let mut believed = vec![false; line.len()];
    let mut place = ends.last().copied();
    while let Some(at) = place {
        believed[at] = true;
        place = before[at];
    }
    let first = believed.iter().position(|is| *is).map(|place| changes[line[place]].seconds);
    let Some(mut last) = first else { return };
    let mut next: Vec<i64> = vec![i64::MAX; line.len()];
    let mut after = i64::MAX;
    for place in (0..line.len()).rev() {
        next[place] = after;
        if believed[place] {
            after = changes[line[place]].seconds;
        }
    }
    for (place, change) in line.iter().enumerate() {
        let seconds = &mut changes[*change].seconds;
        if believed[place] {
            last = *seconds;
        } else if *seconds < last - DAY || *seconds > next[place].saturating_add(DAY) {
            *seconds = last;
        }
    }
}

/// Bounds the dates of what is not on the main line.
fn mend_beside(changes: &mut [Change], at: &HashMap<ObjectId, usize>, line: &[usize]) {
    let mut taken_in: Vec<Option<i64>> = vec![None; changes.len()];
    let mut done = vec![false; changes.len()];
    for place in line {
        done[*place] = true;
    }
    for place in line {
        // Parents first: a commit is looked at again once all below it are done.
        let mut open: Vec<(usize, bool)> = vec![(*place, false)];
        let took = changes[*place].seconds;
        while let Some((place, is_ready)) = open.pop() {
            if is_ready {
                let parents = changes[place].parents.iter().filter_map(|parent| at.get(parent));
                let youngest = parents.map(|parent| changes[*parent].seconds).max();
                let seconds = &mut changes[place].seconds;
                if let Some(youngest) = youngest.filter(|youngest| *seconds < youngest - DAY) {
                    *seconds = youngest;
                }
                let took = taken_in[place].unwrap_or(took);
                if *seconds > took.saturating_add(DAY) {
                    *seconds = took;
                }
                continue;
            }
            if !line_has(&taken_in, place) {
                taken_in[place] = Some(took);
            }
            if !done[place] {
                done[place] = true;
                open.push((place, true));
            }
            let parents = changes[place].parents.iter().filter_map(|parent| at.get(parent));
            let fresh: Vec<usize> = parents.copied().filter(|parent| !done[*parent]).collect();
            open.extend(fresh.into_iter().map(|parent| (parent, false)));
        }
    }
}

fn line_has(taken_in: &[Option<i64>], place: usize) -> bool {
    taken_in[place].is_some()
}
