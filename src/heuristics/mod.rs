//! Judge, never fetch: rules, conditions, scores. Pure, synchronous, repeatable.
