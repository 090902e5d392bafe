//! What stands on the stack and in the memo: abstract values of 16 bytes. Text is a place in the source,
//! not a copy; containers keep their first items only, and only the tree that cannot have a cycle.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How the bytes of a text argument become a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// UTF-8, or plain bytes.
    Raw,
    /// STRING: quotes and backslash escapes.
    Quoted,
    /// UNICODE: `\uXXXX` among Latin-1.
    RawEscape,
}

/// Number of a global in the log's table.
pub(super) type GlobalId = u32;

/// One value. `Unknown` is whatever the machine does not follow.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Unknown,
    /// An empty memo slot; never on the stack.
    Absent,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str {
        form: Form,
        len: u32,
        at: u64,
    },
    Bytes {
        form: Form,
        len: u32,
        at: u64,
    },
    Global(GlobalId),
    /// What a call returned whose arguments are not kept; [`NO_GLOBAL`] where even the callee is unknown.
    Returned(GlobalId),
    Node(Rc<Node>),
}

/// The callee of a call that is not a known global.
pub(super) const NO_GLOBAL: GlobalId = GlobalId::MAX;

/// What sort of container.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Tuple,
    List,
    Dict,
    Set,
    /// A call; the items are its arguments.
    Call(Value),
}

/// Items kept of one container; dictionaries keep keys and values in turn.
pub(super) const ITEMS_KEPT: usize = 32;

/// Deepest tree that is kept; below stands `Unknown`. Bounds every recursion over values, dropping too.
const DEEPEST: u8 = 32;

/// Depth of a list, dictionary or set; what they keep is less deep.
const MUTABLE_DEPTH: u8 = 5;

/// A container, counted against the machine's budget as long as it lives.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) items: RefCell<Vec<Value>>,
    /// How many items there are, kept or not.
    pub(super) count: Cell<u64>,
    /// Leaves that would be met if every reference were followed.
    pub(super) weight: Cell<u64>,
    /// Nested levels on which one child is referred to more than once.
    pub(super) levels: Cell<u8>,
    depth: u8,
    /// Whether a list, dictionary or set lies in it: such a node is never put into one, so that no
    /// cycle of counted references can come about.
    mutable: bool,
    live: Rc<Cell<usize>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.live.set(self.live.get().saturating_sub(1));
    }
}

impl Node {
    /// A container of `items`; `live` counts it.
    pub(super) fn new(kind: Kind, items: Cow<'_, [Value]>, live: &Rc<Cell<usize>>) -> Self {
        live.set(live.get() + 1);
        let own = matches!(kind, Kind::List | Kind::Dict | Kind::Set);
        let callee = match &kind {
            Kind::Call(value) => value.depth(),
            _ => 0,
        };
        let deepest = items.iter().map(Value::depth).max().unwrap_or(0).max(callee) + 1;
        // What can still be filled counts from the start as deep as it can become.
        let depth = if own { MUTABLE_DEPTH } else { deepest };
        let mutable = own || items.iter().any(Value::holds_mutable);
        let mut node = Self {
            kind,
            items: RefCell::new(Vec::new()),
            count: Cell::new(0),
            weight: Cell::new(1),
            levels: Cell::new(0),
            depth,
            mutable,
            live: Rc::clone(live),
        };
        node.weigh(&items);
        *node.items.get_mut() = match items {
            items if own => items.iter().take(ITEMS_KEPT).map(Value::inside_mutable).collect(),
            Cow::Owned(items) if items.len() <= ITEMS_KEPT => items,
            items => items.iter().take(ITEMS_KEPT).cloned().collect(),
        };
        node
    }

    /// Adds items to a list, dictionary or set.
    pub(super) fn extend(&self, items: &[Value]) {
        self.weigh(items);
        let mut own = self.items.borrow_mut();
        let room = ITEMS_KEPT.saturating_sub(own.len());
        if room > 0 {
            // Most containers stay as small as they are now; doubling would give them room for four.
            if own.is_empty() {
                own.reserve_exact(items.len().min(room));
            }
            own.extend(items.iter().take(room).map(Value::inside_mutable));
        }
    }

    /// Counts items, the leaves behind them, and neighbours that are one and the same.
    fn weigh(&self, items: &[Value]) {
        let (mut weight, mut levels) = (self.weight.get(), self.levels.get());
        let mut before: Option<*const Node> = None;
        for item in items {
            weight = weight.saturating_add(item.weight());
            let child = item.node();
            if let Some(node) = child {
                let again = before == Some(std::ptr::from_ref(node));
                levels = levels.max(node.levels.get().saturating_add(u8::from(again)));
            }
            before = child.map(std::ptr::from_ref);
        }
        self.weight.set(weight);
        self.levels.set(levels);
        self.count.set(self.count.get().saturating_add(items.len() as u64));
    }
}

impl Value {
    /// The node, where it is one.
    pub(super) fn node(&self) -> Option<&Node> {
        match self {
            Self::Node(node) => Some(node),
            _ => None,
        }
    }

    fn depth(&self) -> u8 {
        self.node().map_or(0, |node| node.depth)
    }

    /// Whether one more level may be put around it.
    pub(super) fn too_deep(&self) -> bool {
        self.depth() + 1 >= DEEPEST
    }

    fn holds_mutable(&self) -> bool {
        self.node().is_some_and(|node| node.mutable)
    }

    fn weight(&self) -> u64 {
        self.node().map_or(1, |node| node.weight.get())
    }

    /// The global at the root of a call, or of the value itself.
    pub(super) fn root(&self) -> Option<GlobalId> {
        match self {
            Self::Global(id) => Some(*id),
            Self::Returned(id) => (*id != NO_GLOBAL).then_some(*id),
            Self::Node(node) => match &node.kind {
                Kind::Call(callee) => callee.root(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is what a call returned.
    pub(super) fn is_result(&self) -> bool {
        match self {
            Self::Returned(_) => true,
            Self::Node(node) => matches!(node.kind, Kind::Call(_)),
            _ => false,
        }
    }

    /// The same as an item of a list, dictionary or set: without what could lead back to it.
    fn inside_mutable(&self) -> Value {
        if self.holds_mutable() || self.depth() >= MUTABLE_DEPTH {
            self.without_items()
        } else {
            self.clone()
        }
    }

    /// The same without what it holds: small, and certainly without a cycle.
    pub(super) fn without_items(&self) -> Value {
        if self.is_result() {
            Self::Returned(self.root().unwrap_or(NO_GLOBAL))
        } else {
            match self {
                Self::Node(_) => Self::Unknown,
                other => other.clone(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sixteen_bytes() {
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn a_list_in_itself_does_not_keep_itself_alive() {
        let live = Rc::new(Cell::new(0));
        let list = Rc::new(Node::new(Kind::List, Cow::Borrowed(&[]), &live));
        list.extend(&[Value::Node(Rc::clone(&list))]);
        drop(list);
        assert_eq!(live.get(), 0);
    }
}
