//! The machine: a real stack, marks and memo, executed as the C unpickler does, over abstract values.
//! Nothing is imported, called or allocated on behalf of the pickle.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use super::event::What;
use super::log::Log;
use super::memo::Memo;
use super::opcode::{self as op, name};
use super::reader::{Halt, Window};
use super::value::{Form, Kind, Node, Value};

/// Values that the stack keeps; more are counted and read as unknown.
const STACK: usize = 1 << 20;

/// Marks that may be open at once.
const MARKS: usize = 1 << 20;

/// Containers alive at once; further ones are read as unknown.
const LIVE: usize = 1 << 16;

/// Leaves behind a small object from which it counts as an expansion, and nested doublings behind it.
const EXPANDED: u64 = 1_000_000_000;
const DOUBLINGS: u8 = 5;

/// No frame is open.
const NO_FRAME: u64 = u64::MAX;

/// How a stream ended.
pub(super) enum StreamEnd {
    /// At STOP; the offset after it, and the end of a frame that reaches beyond.
    Stop { frame_end: Option<u64> },
    /// Before STOP, at the opcode at this offset.
    Broken { at: u64, halt: Halt },
    /// The budget of opcodes is used up.
    Budget,
}

/// One pickle being read; joblib puts one into another.
pub(super) struct Level {
    stack: Vec<Value>,
    /// Values above the cap of the stack.
    above: u64,
    marks: Vec<u64>,
    memo: Memo,
    start: u64,
    protos: u32,
    pub(super) frame_end: u64,
    pub(super) persistent_seen: bool,
    expanded: bool,
}

impl Level {
    pub(super) fn new(start: u64) -> Self {
        Self {
            stack: Vec::new(),
            above: 0,
            marks: Vec::new(),
            memo: Memo::default(),
            start,
            protos: 0,
            frame_end: NO_FRAME,
            persistent_seen: false,
            expanded: false,
        }
    }

    fn height(&self) -> u64 {
        self.stack.len() as u64 + self.above
    }

    fn fence(&self) -> u64 {
        self.marks.last().copied().unwrap_or(0)
    }
}

/// The machine over one source and one log.
pub(super) struct Machine<'s, 'l> {
    pub(super) window: Window<'s>,
    pub(super) log: &'l mut Log,
    pub(super) level: Level,
    pub(super) outer: Vec<Level>,
    pub(super) op: u8,
    pub(super) op_at: u64,
    /// Reads of names that lie outside the buffer, which cost a system call each.
    pub(super) far_reads: u32,
    /// Missing values are unknown instead of an error: for readings that start in the middle.
    pub(super) lenient: bool,
    live: Rc<Cell<usize>>,
}

impl<'s, 'l> Machine<'s, 'l> {
    pub(super) fn new(window: Window<'s>, log: &'l mut Log) -> Self {
        let level = Level::new(window.offset());
        Self {
            window,
            log,
            level,
            outer: Vec::new(),
            op: 0,
            op_at: 0,
            far_reads: 0,
            lenient: false,
            live: Rc::new(Cell::new(0)),
        }
    }

    /// The byte that comes next.
    pub(super) fn peek_op(&mut self) -> Option<u8> {
        self.window.peek(1).ok()?.first().copied()
    }

    /// Reads one stream from `from`, at most `budget` opcodes of it.
    pub(super) fn run(&mut self, from: u64, budget: u64) -> StreamEnd {
        self.window.jump(from);
        self.level = Level::new(from);
        self.outer.clear();
        let mut left = budget;
        let end = loop {
            if left == 0 {
                break StreamEnd::Budget;
            }
            left -= 1;
            match self.next() {
                Ok(true) => {}
                Ok(false) => {
                    let frame_end = self.level.frame_end;
                    let open = frame_end != NO_FRAME && frame_end > self.window.offset();
                    break StreamEnd::Stop { frame_end: open.then_some(frame_end) };
                }
                Err(halt) => break StreamEnd::Broken { at: self.op_at, halt },
            }
        };
        self.log.opcodes += budget - left;
        end
    }

    /// One opcode; false at the STOP of the outermost pickle.
    #[inline]
    fn next(&mut self) -> Result<bool, Halt> {
        self.op_at = self.window.offset();
        self.op = self.window.byte()?;
        if self.op == op::STOP {
            self.pop()?;
            let Some(level) = self.outer.pop() else { return Ok(false) };
            self.level = level;
            return Ok(true);
        }
        self.step()?;
        if self.window.offset() >= self.level.frame_end {
            self.leave_frame();
        }
        Ok(true)
    }

    fn step(&mut self) -> Result<(), Halt> {
        match self.op {
            op::MARK => return self.mark(),
            op::POP => return self.pop_op(),
            op::POP_MARK => {
                let base = self.pop_mark()?;
                self.cut(base);
            }
            op::DUP => {
                let top = self.top()?;
                self.push(top);
            }
            op::NONE => self.push(Value::None),
            op::NEWTRUE => self.push(Value::Bool(true)),
            op::NEWFALSE => self.push(Value::Bool(false)),
            op::BININT1 | op::BININT2 | op::BININT | op::INT | op::LONG | op::LONG1 | op::LONG4 => {
                return self.integer();
            }
            op::FLOAT | op::BINFLOAT => return self.float(),
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING | op::BINUNICODE | op::BINUNICODE8 => {
                return self.text(false);
            }
            op::BINSTRING | op::STRING | op::UNICODE => return self.text(false),
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => {
                return self.text(true);
            }
            op::MEMOIZE | op::PUT | op::BINPUT | op::LONG_BINPUT => return self.put(),
            op::GET | op::BINGET | op::LONG_BINGET => return self.get(),
            op::EMPTY_TUPLE | op::TUPLE | op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                return self.tuple();
            }
            op::EMPTY_LIST => self.container(Kind::List, Vec::new()),
            op::EMPTY_DICT => self.container(Kind::Dict, Vec::new()),
            op::EMPTY_SET => self.container(Kind::Set, Vec::new()),
            op::LIST => return self.gather(Kind::List),
            op::DICT => return self.gather(Kind::Dict),
            op::FROZENSET => return self.gather(Kind::Set),
            op::APPEND => return self.fill_top::<1>(),
            op::SETITEM => return self.fill_top::<2>(),
            op::APPENDS | op::SETITEMS | op::ADDITEMS => return self.fill_from_mark(),
            op::GLOBAL | op::STACK_GLOBAL | op::INST => return self.global(),
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX | op::OBJ => return self.call_op(),
            op::BUILD => return self.build(),
            op::EXT1 | op::EXT2 | op::EXT4 => return self.extension(),
            op::PERSID | op::BINPERSID => return self.persistent(),
            op::PROTO => return self.proto(),
            op::FRAME => return self.frame(),
            op::NEXT_BUFFER => self.push(Value::Unknown),
            op::READONLY_BUFFER => {
                self.top()?;
            }
            other => {
                return Err(Halt::malformed(format!("byte {other:#04x} is no opcode")));
            }
        }
        Ok(())
    }

    /// Records one event of the current opcode.
    pub(super) fn note(&mut self, what: What) {
        self.log.note(self.op_at, name(self.op), what);
    }

    #[inline]
    pub(super) fn push(&mut self, value: Value) {
        if self.level.stack.len() < STACK {
            self.level.stack.push(value);
        } else {
            if self.level.above == 0 {
                self.expansion(format!("more than {STACK} values on the stack"));
            }
            self.level.above += 1;
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Result<Value, Halt> {
        if self.level.height() <= self.level.fence() {
            return self.missing("the stack has too few values");
        }
        if self.level.above > 0 {
            self.level.above -= 1;
            return Ok(Value::Unknown);
        }
        Ok(self.level.stack.pop().unwrap_or_default())
    }

    #[inline]
    pub(super) fn top(&mut self) -> Result<Value, Halt> {
        if self.level.height() <= self.level.fence() {
            return self.missing("the stack has too few values");
        }
        if self.level.above > 0 {
            return Ok(Value::Unknown);
        }
        Ok(self.level.stack.last().cloned().unwrap_or_default())
    }

    fn missing(&self, why: &str) -> Result<Value, Halt> {
        if self.lenient { Ok(Value::Unknown) } else { Err(Halt::malformed(why)) }
    }

    fn mark(&mut self) -> Result<(), Halt> {
        if self.level.marks.len() >= MARKS {
            self.expansion(format!("more than {MARKS} open marks"));
            return Err(Halt::malformed("too many marks"));
        }
        let height = self.level.height();
        self.level.marks.push(height);
        Ok(())
    }

    /// Height of the last mark, which is gone then.
    fn pop_mark(&mut self) -> Result<u64, Halt> {
        match self.level.marks.pop() {
            Some(base) => Ok(base),
            None if self.lenient => Ok(0),
            None => Err(Halt::malformed("no mark is open")),
        }
    }

    fn pop_op(&mut self) -> Result<(), Halt> {
        if self.level.marks.last() == Some(&self.level.height()) {
            self.level.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn cut(&mut self, base: u64) {
        let kept = usize::try_from(base).unwrap_or(usize::MAX);
        if kept <= self.level.stack.len() {
            self.level.stack.truncate(kept);
            self.level.above = 0;
        } else {
            self.level.above = base - self.level.stack.len() as u64;
        }
    }

    /// Everything above the last mark, taken from the stack.
    pub(super) fn above_mark(&mut self) -> Result<Vec<Value>, Halt> {
        let base = self.pop_mark()?;
        let kept = usize::try_from(base).unwrap_or(usize::MAX);
        let items =
            if kept < self.level.stack.len() { self.level.stack.split_off(kept) } else { vec![] };
        self.cut(base);
        Ok(items)
    }

    /// Hands over what lies below the last mark and everything above it, which may be a million values and
    /// stays where it is; then cuts it off.
    fn with_above_mark(
        &mut self,
        then: impl FnOnce(&mut Self, Option<&Value>, &[Value]),
    ) -> Result<(), Halt> {
        let base = self.pop_mark()?;
        let kept = usize::try_from(base).unwrap_or(usize::MAX);
        let stack = std::mem::take(&mut self.level.stack);
        let below = kept.checked_sub(1).filter(|_| base > self.level.fence());
        let above = stack.get(kept..).unwrap_or_default();
        then(self, below.and_then(|at| stack.get(at)), above);
        self.level.stack = stack;
        self.cut(base);
        Ok(())
    }

    /// The `N` values on top, the topmost last.
    fn pop_several<const N: usize>(&mut self) -> Result<[Value; N], Halt> {
        let mut items = [const { Value::Unknown }; N];
        for slot in items.iter_mut().rev() {
            *slot = self.pop()?;
        }
        Ok(items)
    }

    fn tuple(&mut self) -> Result<(), Halt> {
        let items = match self.op {
            op::EMPTY_TUPLE => Vec::new(),
            op::TUPLE => return self.gather(Kind::Tuple),
            op::TUPLE1 => Vec::from(self.pop_several::<1>()?),
            op::TUPLE2 => Vec::from(self.pop_several::<2>()?),
            _ => Vec::from(self.pop_several::<3>()?),
        };
        self.container(Kind::Tuple, items);
        Ok(())
    }

    fn gather(&mut self, kind: Kind) -> Result<(), Halt> {
        let mut value = Value::Unknown;
        self.with_above_mark(|machine, _, items| value = machine.node(kind, items.into()))?;
        self.push(value);
        Ok(())
    }

    fn container(&mut self, kind: Kind, items: Vec<Value>) {
        let value = self.node(kind, items.into());
        self.push(value);
    }

    /// A container, or what little is kept of it where the budget or the depth is used up.
    pub(super) fn node(&mut self, kind: Kind, items: Cow<'_, [Value]>) -> Value {
        let deep = items.iter().any(Value::too_deep)
            || matches!(&kind, Kind::Call(callee) if callee.too_deep());
        if deep || self.live.get() >= LIVE {
            return match kind {
                Kind::Call(callee) => {
                    Value::Returned(callee.root().unwrap_or(super::value::NO_GLOBAL))
                }
                _ => Value::Unknown,
            };
        }
        let node = Rc::new(Node::new(kind, items, &self.live));
        self.weigh(&node);
        Value::Node(node)
    }

    fn weigh(&mut self, node: &Node) {
        if node.weight.get() >= EXPANDED && node.levels.get() >= DOUBLINGS {
            let detail = format!(
                "{} levels of repeated references stand for {} values",
                node.levels.get(),
                node.weight.get()
            );
            self.expansion(detail);
        }
    }

    /// Reports an expansion, once a stream.
    pub(super) fn expansion(&mut self, detail: String) {
        if !self.level.expanded {
            self.level.expanded = true;
            self.note(What::Expansion { detail });
        }
    }

    /// APPEND and SETITEM: `N` values go into what stands below them.
    fn fill_top<const N: usize>(&mut self) -> Result<(), Halt> {
        let items = self.pop_several::<N>()?;
        let target = self.top()?;
        self.fill(&target, &items);
        Ok(())
    }

    fn fill_from_mark(&mut self) -> Result<(), Halt> {
        self.with_above_mark(|machine, below, items| {
            if let (Some(target), [_, ..]) = (below, items) {
                machine.fill(target, items);
            }
        })?;
        self.top().map(drop)
    }

    fn fill(&mut self, target: &Value, items: &[Value]) {
        match target {
            Value::Node(node) if matches!(node.kind, Kind::List | Kind::Dict | Kind::Set) => {
                node.extend(items);
                self.weigh(node);
            }
            Value::Global(id) => self.rebind(*id, items),
            _ => {}
        }
    }

    fn put(&mut self) -> Result<(), Halt> {
        let index = match self.op {
            op::MEMOIZE => None,
            op::BINPUT => Some(u64::from(self.window.byte()?)),
            op::LONG_BINPUT => Some(u64::from(u32::from_le_bytes(self.window.array()?))),
            _ => Some(self.index_line()?),
        };
        let value = self.top()?;
        let room = match index {
            None => self.level.memo.memoize(value),
            Some(index) => self.level.memo.put(index, value),
        };
        if !room && self.level.memo.overflowed() {
            self.expansion(format!("more than {} memo entries", super::memo::ENTRIES));
        }
        Ok(())
    }

    fn get(&mut self) -> Result<(), Halt> {
        let index = match self.op {
            op::BINGET => u64::from(self.window.byte()?),
            op::LONG_BINGET => u64::from(u32::from_le_bytes(self.window.array()?)),
            _ => self.index_line()?,
        };
        // Absent here may be present in an unpickler that was used before: unknown, not an error.
        let value = self.level.memo.get(index).cloned().unwrap_or_default();
        self.push(value);
        Ok(())
    }

    fn proto(&mut self) -> Result<(), Halt> {
        let protocol = self.window.byte()?;
        if protocol > 5 {
            self.note(What::UnsupportedProto { protocol });
        }
        if self.level.protos > 0 || self.op_at != self.level.start {
            self.note(What::DuplicateProto);
        }
        self.level.protos += 1;
        Ok(())
    }

    fn frame(&mut self) -> Result<(), Halt> {
        let length = u64::from_le_bytes(self.window.array()?);
        if self.level.frame_end != NO_FRAME {
            self.diverge("a frame begins inside another");
        }
        if length > self.window.left() {
            // Both unpicklers refuse it here; what follows is read for those that do not.
            let why = format!("a frame of {length} bytes, {} bytes are left", self.window.left());
            self.note(What::Broken { why });
            self.level.frame_end = NO_FRAME;
        } else {
            self.level.frame_end = self.window.offset() + length;
        }
        Ok(())
    }

    #[cold]
    fn leave_frame(&mut self) {
        let over = self.window.offset() - self.level.frame_end;
        if over > 0 {
            self.diverge(&format!("an opcode reaches {over} bytes over the end of its frame"));
        }
        self.level.frame_end = NO_FRAME;
    }

    fn diverge(&mut self, detail: &str) {
        self.note(What::FrameDivergence { detail: detail.to_owned() });
    }

    /// The quoted or plain text at a place, decoded; `None` where it is too long or cannot be read.
    pub(super) fn string(&mut self, form: Form, len: u32, at: u64) -> Option<String> {
        let len = usize::try_from(len).ok().filter(|len| *len <= super::STRING_KEPT)?;
        Some(super::text::decode(&self.window.text(at, len)?, form))
    }
}
