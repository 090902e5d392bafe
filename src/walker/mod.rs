//! Who is in the graph: lockfile, manifests, model references. Reads the audited tree and nothing
//! else; opens no socket, runs nothing of the tree, judges nothing.
