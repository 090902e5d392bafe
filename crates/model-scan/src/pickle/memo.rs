//! The memo: dense for the indices that real pickles use, sparse for absurd ones, capped in number.

use std::collections::BTreeMap;

use super::value::Value;

/// Memo entries that are kept.
pub(super) const ENTRIES: usize = 1 << 20;

/// The memo of one stream.
#[derive(Default)]
pub(super) struct Memo {
    dense: Vec<Value>,
    sparse: BTreeMap<u64, Value>,
    used: usize,
    overflowed: bool,
}

impl Memo {
    /// The entry, where there is one.
    #[inline]
    pub(super) fn get(&self, index: u64) -> Option<&Value> {
        match usize::try_from(index).ok().and_then(|index| self.dense.get(index)) {
            Some(Value::Absent) | None => self.sparse.get(&index),
            Some(value) => Some(value),
        }
    }

    /// Sets an entry; the last one wins. Whether there was room.
    #[inline]
    pub(super) fn put(&mut self, index: u64, value: Value) -> bool {
        // Dense up to twice of what is used, so that an absurd index costs one entry and no more.
        let slot = usize::try_from(index).unwrap_or(usize::MAX);
        if slot < self.dense.len() {
            let before = std::mem::replace(&mut self.dense[slot], value);
            if matches!(before, Value::Absent) && self.sparse.remove(&index).is_none() {
                self.used += 1;
            }
            return true;
        }
        if self.used >= ENTRIES {
            self.overflowed = true;
            return false;
        }
        if slot <= self.dense.len() + self.dense.len() / 2 + 256 && slot < 2 * ENTRIES {
            if slot > self.dense.len() {
                self.dense.resize(slot, Value::Absent);
            }
            let before = !self.sparse.is_empty() && self.sparse.remove(&index).is_some();
            self.dense.push(value);
            self.used += usize::from(!before);
        } else if self.sparse.insert(index, value).is_none() {
            self.used += 1;
        }
        true
    }

    /// MEMOIZE: the index is the number of entries, as in C.
    #[inline]
    pub(super) fn memoize(&mut self, value: Value) -> bool {
        self.put(self.used as u64, value)
    }

    /// Whether an entry was refused for want of room.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memoize_counts_entries_and_not_indices() {
        let mut memo = Memo::default();
        memo.put(4_000_000_000, Value::None);
        memo.memoize(Value::Bool(true));
        assert!(matches!(memo.get(1), Some(Value::Bool(true))));
        assert!(memo.get(0).is_none());
        assert!(memo.get(4_000_000_000).is_some());
    }

    #[test]
    fn the_last_put_wins() {
        let mut memo = Memo::default();
        memo.put(3, Value::Int(1));
        memo.put(3, Value::Int(2));
        memo.memoize(Value::Int(9));
        assert!(matches!(memo.get(3), Some(Value::Int(2))));
        assert!(matches!(memo.get(1), Some(Value::Int(9))));
    }

    #[test]
    fn a_sparse_entry_stays_visible_when_the_dense_part_grows_over_it() {
        let mut memo = Memo::default();
        memo.put(300, Value::Int(7));
        for index in 0..400 {
            if index != 300 {
                memo.put(index, Value::None);
            }
        }
        assert!(matches!(memo.get(300), Some(Value::Int(7))));
    }
}
