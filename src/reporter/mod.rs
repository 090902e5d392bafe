//! Lay out, decide nothing: one file is one output format.
