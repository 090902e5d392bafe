//! Arguments of opcodes: numbers, lines and strings, as the C unpickler reads them.

use super::log::Candidate;
use super::machine::Machine;
use super::nested;
use super::opcode as op;
use super::reader::{Halt, Line};
use super::value::{Form, Value};

impl Machine<'_, '_> {
    pub(super) fn integer(&mut self) -> Result<(), Halt> {
        let value = match self.op {
            op::BININT1 => Value::Int(i64::from(self.window.byte()?)),
            op::BININT2 => Value::Int(i64::from(u16::from_le_bytes(self.window.array()?))),
            op::BININT => Value::Int(i64::from(i32::from_le_bytes(self.window.array()?))),
            op::INT => {
                let line = self.window.line()?;
                match self.window.buffered(line) {
                    Some(b"00") => Value::Bool(false),
                    Some(b"01") => Value::Bool(true),
                    _ => self.line_number(line, ""),
                }
            }
            op::LONG => {
                let line = self.window.line()?;
                self.line_number(line, "L")
            }
            code => {
                let len = if code == op::LONG1 {
                    u64::from(self.window.byte()?)
                } else {
                    let len = i32::from_le_bytes(self.window.array()?);
                    u64::try_from(len).map_err(|_| Halt::malformed("a length below zero"))?
                };
                self.long(len)?
            }
        };
        self.push(value);
        Ok(())
    }

    /// A decimal line, where it is one that fits.
    fn line_number(&mut self, line: Line, suffix: &str) -> Value {
        let text = self.window.buffered(line).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let number = text.and_then(|text| number(text.strip_suffix(suffix).unwrap_or(text)));
        number.map_or(Value::Unknown, Value::Int)
    }

    /// A little-endian two's complement of any length; kept up to eight bytes.
    fn long(&mut self, len: u64) -> Result<Value, Halt> {
        let Some(count) = usize::try_from(len).ok().filter(|count| *count <= 8) else {
            self.window.skip(len)?;
            return Ok(Value::Unknown);
        };
        let negative = count > 0 && self.window.peek(count)?.last().is_some_and(|b| b & 0x80 != 0);
        let mut bytes = [if negative { 0xff } else { 0 }; 8];
        for slot in bytes.iter_mut().take(count) {
            *slot = self.window.byte()?;
        }
        Ok(Value::Int(i64::from_le_bytes(bytes)))
    }

    pub(super) fn float(&mut self) -> Result<(), Halt> {
        let value = if self.op == op::BINFLOAT {
            Value::Float(f64::from_be_bytes(self.window.array()?))
        } else {
            let line = self.window.line()?;
            let text = self.line_text(line);
            text.and_then(|text| text.trim().parse().ok()).map_or(Value::Unknown, Value::Float)
        };
        self.push(value);
        Ok(())
    }

    /// Any string or bytes opcode: the text stays where it is, long ones are not even read.
    pub(super) fn text(&mut self, bytes: bool) -> Result<(), Halt> {
        let (at, len, form) = match self.op {
            op::STRING | op::UNICODE => {
                let Line { at, len } = self.window.line()?;
                let form = if self.op == op::STRING { Form::Quoted } else { Form::RawEscape };
                if form == Form::Quoted
                    && self.window.buffered(Line { at, len }).is_some_and(unquoted)
                {
                    return Err(Halt::malformed("a STRING without quotes"));
                }
                self.note_candidate(at, len, form)?;
                (at, len, form)
            }
            _ => {
                let len = self.length()?;
                if len > self.window.left() {
                    return Err(Halt::End);
                }
                let at = self.window.offset();
                if nested::long_enough(len) {
                    self.note_candidate(at, len, Form::Raw)?;
                }
                self.window.skip(len)?;
                (at, len, Form::Raw)
            }
        };
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.push(if bytes {
            Value::Bytes { form, len, at }
        } else {
            Value::Str { form, len, at }
        });
        Ok(())
    }

    fn length(&mut self) -> Result<u64, Halt> {
        Ok(match self.op {
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING | op::SHORT_BINBYTES => {
                u64::from(self.window.byte()?)
            }
            op::BINSTRING => {
                let len = i32::from_le_bytes(self.window.array()?);
                u64::try_from(len).map_err(|_| Halt::malformed("a length below zero"))?
            }
            op::BINUNICODE | op::BINBYTES => u64::from(u32::from_le_bytes(self.window.array()?)),
            _ => u64::from_le_bytes(self.window.array()?),
        })
    }

    fn note_candidate(&mut self, at: u64, len: u64, form: Form) -> Result<(), Halt> {
        if !nested::long_enough(len) {
            return Ok(());
        }
        let worth = if form == Form::Raw {
            let count = usize::try_from(len).unwrap_or(usize::MAX).min(nested::PREFIX);
            nested::may_hold(self.window.peek(count)?)
        } else {
            let count = usize::try_from(len).unwrap_or(usize::MAX).min(nested::PREFIX);
            let line = Line { at, len: count as u64 };
            self.window.buffered(line).is_some_and(|text| match text {
                plain if form == Form::RawEscape && !plain.contains(&b'\\') => {
                    nested::may_hold(plain)
                }
                text => nested::may_hold(&unescape(text, form)),
            })
        };
        if worth {
            self.log.candidate(Candidate { at, len, form });
        }
        Ok(())
    }

    /// The index of GET and PUT. A negative one is an error in C.
    pub(super) fn index_line(&mut self) -> Result<u64, Halt> {
        let line = self.window.line()?;
        let index = match self.window.buffered(line).map(std::str::from_utf8) {
            Some(text) => text.ok().and_then(number),
            None => self.line_text(line).as_deref().and_then(number),
        };
        index
            .and_then(|index| u64::try_from(index).ok())
            .ok_or_else(|| Halt::malformed("a memo index that is no number"))
    }

    /// A line as text, where it is short enough to be kept.
    pub(super) fn line_text(&mut self, line: Line) -> Option<String> {
        self.string(Form::Raw, u32::try_from(line.len).ok()?, line.at)
    }
}

/// A decimal number with the white space and sign that C's `strtol` takes, and hexadecimal.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.strip_prefix('+').unwrap_or(text).parse().ok(),
    }
}

/// Text of an argument; bytes that are no UTF-8 are replaced.
pub(super) fn decode(bytes: &[u8], form: Form) -> String {
    match form {
        Form::Raw => String::from_utf8_lossy(bytes).into_owned(),
        Form::Quoted => String::from_utf8_lossy(&unescape(bytes, form)).into_owned(),
        Form::RawEscape => raw_unicode(bytes),
    }
}

/// The bytes behind an argument, quotes and escapes resolved.
pub(super) fn unescape(bytes: &[u8], form: Form) -> Vec<u8> {
    match form {
        Form::Raw => bytes.to_vec(),
        Form::Quoted => quoted(bytes),
        Form::RawEscape => {
            raw_unicode(bytes).chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
        }
    }
}

fn unquoted(bytes: &[u8]) -> bool {
    !matches!(bytes.trim_ascii_end(), [b'\'', .., b'\''] | [b'"', .., b'"'])
}

fn quoted(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.trim_ascii();
    let inner = match bytes {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        [b'\'' | b'"', cut @ ..] => cut,
        other => other,
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            out.push(first);
            continue;
        }
        let Some((&escape, tail)) = rest.split_first() else { break };
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'\n' => {}
            b'x' => rest = digits(rest, 2, 16, &mut out),
            b'0'..=b'7' => {
                let from = inner.len() - rest.len() - 1;
                rest = digits(&inner[from..], 3, 8, &mut out);
            }
            b'\\' | b'\'' | b'"' => out.push(escape),
            other => out.extend([b'\\', other]),
        }
    }
    out
}

/// Takes up to `most` digits of a base and pushes their value.
fn digits<'b>(bytes: &'b [u8], most: usize, base: u32, out: &mut Vec<u8>) -> &'b [u8] {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(base);
    let count = bytes.iter().take(most).take_while(is_digit).count();
    let value = bytes[..count]
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(base))
        .fold(0, |value, digit| value * base + digit);
    out.push(u8::try_from(value & 0xff).unwrap_or(0));
    &bytes[count..]
}

fn raw_unicode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let width = match (byte, bytes.get(at + 1)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let code = bytes
            .get(at + 2..at + 2 + width)
            .filter(|_| width > 0)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        if let Some(c) = code {
            out.push(c);
            at += 2 + width;
        } else {
            out.push(char::from(byte));
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_is_read_with_its_escapes() {
        assert_eq!(quoted(br"'a\x6fb\n\101\'\q'"), b"aob\nA'\\q");
        assert_eq!(quoted(br"'\400'"), [0]);
    }

    #[test]
    fn raw_unicode_escapes_stand_among_latin_1() {
        assert_eq!(raw_unicode(b"o\\u0073 \xe9 \\u12"), "os é \\u12");
    }

    #[test]
    fn numbers_are_read_as_strtol_does() {
        assert_eq!((number(" 12"), number("0x10"), number("+3")), (Some(12), Some(16), Some(3)));
        assert_eq!(number("12a"), None);
    }
}
