//! The ways from the project to what has a finding, drawn in layers; never the whole graph.

use std::collections::{BTreeMap, BTreeSet};

use super::levels;
use crate::domain::text::shown;
use crate::domain::{Level, PathStep};
use crate::reporter::view::View;
use crate::reporter::words::clip;

/// Subjects whose ways are drawn, and steps of one way.
const TARGETS: usize = 16;
const STEPS: usize = 12;
/// Distance from layer to layer, and from node to node.
const ACROSS: usize = 210;
const DOWN: usize = 42;

/// A drawing.
pub(super) struct Graph {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) left_out: usize,
}

/// A package.
pub(super) struct Node {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) name: String,
    pub(super) full: String,
    pub(super) level: &'static str,
    pub(super) built: bool,
}

/// From the right of one node to the left of another.
pub(super) struct Edge {
    pub(super) x1: usize,
    pub(super) y1: usize,
    pub(super) x2: usize,
    pub(super) y2: usize,
}

type Key<'a> = (&'a str, &'a str);

pub(super) fn of(view: &View<'_>) -> Option<Graph> {
    let mut ways: Vec<&[PathStep]> = Vec::new();
    let mut ends = BTreeSet::new();
    let mut left_out = 0;
    for finding in view.shown.iter().filter(|one| one.path.len() > 1) {
        let fits = ends.len() < TARGETS && finding.path.len() <= STEPS;
        if !fits && !ends.contains(&finding.subject) {
            left_out += 1;
        } else if ends.insert(&finding.subject) {
            ways.push(&finding.path);
        }
    }
    if ways.is_empty() {
        return None;
    }
    let layers = layers(&ways);
    let places = places(&layers);
    let nodes = nodes(view, &places);
    let mut edges: BTreeSet<(Key<'_>, Key<'_>)> = BTreeSet::new();
    edges
        .extend(ways.iter().flat_map(|way| way.windows(2).map(|two| (key(&two[0]), key(&two[1])))));
    let edges = edges.into_iter().map(|(from, to)| {
        let ((x1, y1), (x2, y2)) = (places[&from], places[&to]);
        Edge { x1: x1 + 170, y1: y1 + 15, x2, y2: y2 + 15 }
    });
    let furthest = |which: fn(&(usize, usize)) -> usize| places.values().map(which).max();
    Some(Graph {
        width: furthest(|at| at.0).unwrap_or(0) + 180,
        height: furthest(|at| at.1).unwrap_or(0) + 40,
        edges: edges.collect(),
        nodes,
        left_out,
    })
}

fn key(step: &PathStep) -> Key<'_> {
    (&step.name, &step.version)
}

/// Every package stands right of all that lead to it. Ways that contradict each other end the search
/// after as many rounds as a way has steps.
fn layers<'a>(ways: &[&'a [PathStep]]) -> BTreeMap<Key<'a>, usize> {
    let mut layers: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    for _ in 0..STEPS {
        let mut moved = false;
        for way in ways {
            let mut least = 0;
            for step in *way {
                let layer = layers.entry(key(step)).or_default();
                if *layer < least {
                    *layer = least;
                    moved = true;
                }
                least = *layer + 1;
            }
        }
        if !moved {
            break;
        }
    }
    layers
}

fn places<'a>(layers: &BTreeMap<Key<'a>, usize>) -> BTreeMap<Key<'a>, (usize, usize)> {
    let mut used: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (key, layer) in layers {
        let row = used.entry(*layer).or_default();
        places.insert(*key, (4 + layer * ACROSS, 4 + *row * DOWN));
        *row += 1;
    }
    places
}

fn nodes(view: &View<'_>, places: &BTreeMap<Key<'_>, (usize, usize)>) -> Vec<Node> {
    let levels: BTreeMap<Key<'_>, Level> = levels(view)
        .into_iter()
        .map(|(subject, level)| ((subject.name.as_str(), subject.version.as_str()), level))
        .collect();
    let built: BTreeSet<Key<'_>> = view
        .report
        .subjects
        .iter()
        .filter(|entry| entry.runs_at_build == Some(true))
        .map(|entry| (entry.subject.name.as_str(), entry.subject.version.as_str()))
        .collect();
    places
        .iter()
        .map(|(key, (x, y))| {
            let full = shown(format!("{} {}", key.0, key.1).trim());
            Node {
                x: *x,
                y: *y,
                name: clip(&full, 24),
                full,
                level: levels.get(key).map_or("none", |level| level.as_str()),
                built: built.contains(key),
            }
        })
        .collect()
}
