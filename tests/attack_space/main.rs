//! Attacks that are composed instead of collected: how many of them are told of, and how many of their
//! innocent twins. See `grammar/README.md`.

mod space;

use space::measure;

/// The seed of the run that is held.
const SEED: u64 = 20_261_129;
/// Compositions of that run.
const COMPOSITIONS: usize = 400;
/// Attacks of that run that are found today, in percent. Raise it with what you mend, never lower it.
const FOUND: usize = 98;
/// The same for the entry of any dimension that is found least.
const FOUND_OF_EACH: usize = 87;
/// Twins that are told of: none.
const ALARMS: usize = 0;

#[test]
fn no_fewer_composed_attacks_are_found_than_have_been_measured() {
    let table = measure(SEED, COMPOSITIONS);
    let least = table.entries.values().map(|count| count.recall()).min().unwrap_or_default();
    let so_many = (table.total.recall(), least, table.total.alarms);
    let held = so_many.0 >= FOUND && so_many.1 >= FOUND_OF_EACH && so_many.2 == ALARMS;
    assert!(held, "found, found of the least, alarms: {so_many:?}\n{table}");
    assert!(table.entries.len() > 40, "every dimension is counted");
}
