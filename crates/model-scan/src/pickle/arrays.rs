//! Raw bytes that libraries put beside or between pickles: joblib writes an array right behind the BUILD
//! of its wrapper, old torch files append the storages that persistent ids name.

use super::event::What;
use super::machine::{Level, Machine};
use super::reader::Halt;
use super::value::{Kind, Node, Value};

/// Wrappers behind whose BUILD joblib puts the bytes of an array.
const WRAPPERS: &[&str] = &["joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"];

/// Pickles inside one another that joblib's object arrays may reach.
const DEEPEST: usize = 8;

/// Skipped arrays that are also tried as opcodes.
const PROBES: usize = 256;

/// Torch storage classes and the bytes of one element.
const STORAGES: &[(&str, u64)] = &[
    ("ComplexDoubleStorage", 16),
    ("DoubleStorage", 8),
    ("LongStorage", 8),
    ("ComplexFloatStorage", 8),
    ("FloatStorage", 4),
    ("IntStorage", 4),
    ("QInt32Storage", 4),
    ("HalfStorage", 2),
    ("BFloat16Storage", 2),
    ("ShortStorage", 2),
];

impl Machine<'_, '_> {
    /// After a BUILD: where the target is joblib's wrapper, passes the array, or reads the pickle that an
    /// array of objects is.
    pub(super) fn array_follows(&mut self, target: &Value, state: &Value) -> Result<(), Halt> {
        let Some(root) = target.root().and_then(|id| self.log.global(id)) else { return Ok(()) };
        let wrapper = root.name == "NumpyArrayWrapper" && WRAPPERS.contains(&root.module.as_str());
        let Value::Node(state) = state else { return Ok(()) };
        if !wrapper || !matches!(state.kind, Kind::Dict) {
            return Ok(());
        }
        let Some(dtype) = self.entry(state, "dtype").and_then(|dtype| self.dtype(&dtype)) else {
            let why = "an array of unknown type follows".to_owned();
            return Err(Halt::Malformed(why));
        };
        if dtype.0 == 'O' {
            if self.outer.len() >= DEEPEST {
                return Err(Halt::malformed("object arrays inside one another, too deep"));
            }
            // joblib ends its frame before it writes the array.
            self.level.frame_end = u64::MAX;
            let inner = Level::new(self.window.offset());
            self.outer.push(std::mem::replace(&mut self.level, inner));
            return Ok(());
        }
        let elements = self.elements(state);
        let Some(size) = elements.and_then(|count| count.checked_mul(dtype.1)) else {
            return Err(Halt::malformed("an array of unknown shape follows"));
        };
        if self.log.probes.len() < PROBES {
            self.log.probes.push(self.window.offset());
        }
        if matches!(self.entry(state, "numpy_array_alignment_bytes"), Some(Value::Int(_))) {
            let padding = self.window.byte()?;
            self.window.skip(u64::from(padding))?;
        }
        self.window.skip(size)?;
        self.level.frame_end = u64::MAX;
        Ok(())
    }

    fn elements(&mut self, state: &Node) -> Option<u64> {
        let Value::Node(shape) = self.entry(state, "shape")? else { return None };
        let items = shape.items.borrow();
        if shape.count.get() != items.len() as u64 {
            return None;
        }
        items.iter().try_fold(1_u64, |product, item| match item {
            Value::Int(length) => product.checked_mul(u64::try_from(*length).ok()?),
            _ => None,
        })
    }

    /// The value of a text key in a dictionary.
    fn entry(&mut self, dict: &Node, wanted: &str) -> Option<Value> {
        let items = dict.items.borrow().clone();
        items.chunks_exact(2).find_map(|pair| match &pair[0] {
            Value::Str { form, len, at } => {
                let key = self.string(*form, *len, *at)?;
                (key == wanted).then(|| pair[1].clone())
            }
            _ => None,
        })
    }

    /// Kind letter and item size of `numpy.dtype("f8", ...)`.
    fn dtype(&mut self, value: &Value) -> Option<(char, u64)> {
        let Value::Node(node) = value else { return None };
        if !matches!(node.kind, Kind::Call(_)) {
            return None;
        }
        let Some(Value::Str { form, len, at }) = node.items.borrow().first().cloned() else {
            return None;
        };
        let text = self.string(form, len, at)?;
        let text = text.trim_start_matches(['<', '>', '=', '|']);
        let kind = text.chars().next()?;
        let size: u64 = text[kind.len_utf8()..].parse().ok()?;
        match kind {
            'O' => Some(('O', size)),
            'U' => Some(('U', size.checked_mul(4)?)),
            'b' | 'i' | 'u' | 'f' | 'c' | 'm' | 'M' | 'S' | 'V' => Some((kind, size)),
            _ => None,
        }
    }

    /// Remembers the size of a storage that `("storage", class, key, device, elements)` names.
    pub(super) fn note_storage(&mut self, id: &Value) {
        let Value::Node(node) = id else { return };
        let items = node.items.borrow().clone();
        let [
            Value::Str { form, len, at },
            Value::Global(class),
            Value::Str { form: key_form, len: key_len, at: key_at },
            _,
            Value::Int(elements),
            ..,
        ] = items.as_slice()
        else {
            return;
        };
        if *len != 7 || self.string(*form, *len, *at).as_deref() != Some("storage") {
            return;
        }
        let Some(class) = self.log.global(*class) else { return };
        let width = STORAGES.iter().find(|(name, _)| *name == class.name).map_or(1, |(_, w)| *w);
        let size = u64::try_from(*elements).ok().and_then(|count| count.checked_mul(width));
        if let (Some(size), Some(key)) = (size, self.string(*key_form, *key_len, *key_at)) {
            self.log.storage(key, size);
        }
    }

    /// Tries skipped arrays as opcodes, which is how an unpickler that does not know joblib reads them.
    /// What imports something there is kept.
    pub(super) fn probe_arrays(&mut self) {
        for at in std::mem::take(&mut self.log.probes) {
            let before = self.log.checkpoint();
            self.lenient = true;
            self.run(at, 4_096);
            self.lenient = false;
            if self.log.imported_since(&before) {
                let detail = "bytes that joblib reads as an array import names as opcodes";
                self.log.note(at, "", What::FrameDivergence { detail: detail.to_owned() });
            } else {
                self.log.roll_back(&before);
            }
        }
        self.log.probes.clear();
    }
}
