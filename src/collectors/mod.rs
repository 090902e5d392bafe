//! Measure, never judge: one file is one group of facts.
