//! The header of a numpy array: where the data begins, and whether it is a pickle.

/// Longest header that is read; numpy itself refuses more than 10,000 bytes of an untrusted one.
pub const HEADER: u64 = 64 * 1024;

/// Why a header could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NpyError {
    /// It ends early, or is longer than numpy allows.
    #[error("a header of {0} bytes")]
    Length(u64),
    /// A version that numpy does not know.
    #[error("format version {0}.{1}")]
    Version(u8, u8),
    /// No such dictionary.
    #[error("the header names no {0}")]
    Key(&'static str),
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Npy {
    /// The type, as written.
    pub descr: String,
    /// Whether elements are Python objects: the data is a pickle then.
    pub objects: bool,
    /// The shape, as written.
    pub shape: String,
    /// Where the data begins.
    pub data_at: u64,
    /// Bytes of one element and of all, where type and shape say it.
    pub data_size: Option<u64>,
}

/// Reads a header from the first bytes of a file.
///
/// # Errors
/// Where it is no header that numpy would read.
pub fn read(head: &[u8]) -> Result<Npy, NpyError> {
    let too_short = || NpyError::Length(head.len() as u64);
    let version = head.get(6..8).ok_or_else(too_short)?;
    let (length, from) = match version {
        [1, _] => (u64::from(custody_bytes::zip_reader::u16_at(head, 8)), 10_usize),
        [2 | 3, _] => (u64::from(custody_bytes::zip_reader::u32_at(head, 8)), 12),
        [major, minor] => return Err(NpyError::Version(*major, *minor)),
        _ => return Err(too_short()),
    };
    if length > HEADER {
        return Err(NpyError::Length(length));
    }
    let size = usize::try_from(length).map_err(|_| too_short())?;
    let bytes = head.get(from..from + size).ok_or_else(too_short)?;
    let text = String::from_utf8_lossy(bytes);
    let descr = value(&text, "descr").ok_or(NpyError::Key("descr"))?;
    let shape = value(&text, "shape").ok_or(NpyError::Key("shape"))?;
    Ok(Npy {
        objects: has_objects(descr),
        data_size: data_size(descr, shape),
        descr: descr.to_owned(),
        shape: shape.to_owned(),
        data_at: from as u64 + length,
    })
}

/// The text of a value in a Python dictionary, up to the comma or brace that ends it.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let after = ['\'', '"'].iter().find_map(|quote| {
        let quoted = format!("{quote}{key}{quote}");
        text.find(&quoted).map(|at| &text[at + quoted.len()..])
    })?;
    let after = after.trim_start().strip_prefix(':')?.trim_start();
    let mut depth = 0_i32;
    let mut quote = None;
    for (at, c) in after.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, ',' | '}' | ')' | ']') if depth == 0 => return Some(after[..at].trim()),
            _ => {}
        }
    }
    None
}

/// Whether a type holds Python objects, at the top or in a field: a type code `O` inside quotes.
fn has_objects(descr: &str) -> bool {
    descr.split(['\'', '"']).skip(1).step_by(2).any(|code| {
        let code = code.trim_start_matches(['<', '>', '=', '|']);
        let code = code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
        code == "O"
            || code.strip_prefix('O').is_some_and(|rest| rest.parse::<u8>().is_ok())
            || code == "object"
    })
}

/// Bytes of one element: of a plain type, or of a list of `('name', 'type')` and `('name', 'type', shape)`.
fn width(descr: &str) -> Option<u64> {
    let Some(fields) = descr.strip_prefix('[') else {
        let code = descr.trim_matches(['\'', '"']).trim_start_matches(['<', '>', '=', '|']);
        let kind = code.chars().next()?;
        // `M8[s]`: the unit of a time says nothing of its size.
        let digits = code.get(kind.len_utf8()..)?.split('[').next()?;
        let width: u64 = digits.parse().ok()?;
        return if kind == 'U' { width.checked_mul(4) } else { Some(width) };
    };
    let quoted: Vec<&str> = fields.split(['\'', '"']).collect();
    // Text between quotes: opening, name, separator, type, and so on; a nested type is left.
    let plain = |text: &&str| text.chars().all(|c| " ,()]".contains(c) || c.is_ascii_digit());
    if !quoted.iter().step_by(2).all(plain) {
        return None;
    }
    quoted
        .chunks(4)
        .filter(|field| field.len() == 4)
        .zip(quoted.iter().skip(4).step_by(4))
        .try_fold(0_u64, |sum, (field, after)| {
            let shape = after.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
            let size = shape
                .map(str::parse::<u64>)
                .try_fold(width(field[3])?, |product, length| product.checked_mul(length.ok()?));
            sum.checked_add(size?)
        })
}

fn data_size(descr: &str, shape: &str) -> Option<u64> {
    let width = width(descr)?;
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?;
    inner
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .try_fold(width, |product, part| product.checked_mul(part.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(dict: &str) -> Vec<u8> {
        let length = u16::try_from(dict.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], dict.as_bytes()].concat()
    }

    #[test]
    fn objects_are_seen_at_the_top_and_in_a_field() {
        let of_type = |descr: &str| {
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3, 4), }}\n");
            read(&npy(&text)).unwrap()
        };
        assert!(of_type("'|O'").objects);
        assert!(of_type("[('name', '<U4'), ('any', '|O')]").objects);
        assert!(!of_type("[('Object', '<f8')]").objects);
        let floats = of_type("'<f8'");
        assert_eq!((floats.objects, floats.data_size), (false, Some(96)));
        assert_eq!(of_type("'<U5'").data_size, Some(240));
        assert_eq!(of_type("[('a', '<f8'), ('b', '<U2')]").data_size, Some(12 * 16));
        assert_eq!(of_type("[('a', '<f8', (2,)), ('b', '<U2')]").data_size, Some(12 * 24));
        assert_eq!(of_type("[('a', [('b', '<f8')])]").data_size, None);
        assert_eq!(of_type("'<M8[25s]'").data_size, Some(96));
    }

    #[test]
    fn a_header_cut_anywhere_is_an_error() {
        let whole = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n");
        assert!((0..whole.len()).all(|cut| read(&whole[..cut]).is_err()));
        assert_eq!(read(b"\x93NUMPY\x09\0\x01\0{"), Err(NpyError::Version(9, 0)));
    }
}
