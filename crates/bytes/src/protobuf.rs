//! The wire format of protocol buffers, walked field by field without a schema: what a caller does not ask
//! for is jumped over by its length.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>. Nesting is the caller's (each message is
//! entered on purpose), so depth is bounded by the caller's own code.

use std::io::{Read, Seek};

use crate::stream::{Stream, StreamError};

/// Why a message is not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProtobufError {
    /// The bytes could not be had.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Not the wire format.
    #[error("byte {offset}: {what}")]
    Malformed {
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub number: u64,
    /// Its value, or where its bytes lie.
    pub value: FieldValue,
    /// Where the field begins, in bytes from the start of the file.
    pub offset: u64,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue {
    /// A variable-length or fixed-size number, as its bits.
    Number(u64),
    /// Bytes: a string, a message or packed numbers. They have not been read.
    Bytes {
        /// First byte, from the start of the file.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
}

/// A message: a range of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Where the next field begins.
    next: u64,
    /// One past the last byte.
    end: u64,
}

impl Message {
    /// The message between two offsets of the file.
    pub fn new(start: u64, end: u64) -> Self {
        Message { next: start, end }
    }

    /// The next field; `None` at the end of the message. Bytes of a field are not read.
    pub fn field<R: Read + Seek>(
        &mut self,
        stream: &mut Stream<R>,
    ) -> Result<Option<Field>, ProtobufError> {
        if self.next >= self.end {
            return Ok(None);
        }
        let offset = self.next;
        let malformed = |what| ProtobufError::Malformed { offset, what };
        stream.seek_to(offset)?;
        let tag = varint(stream)?;
        let number = tag >> 3;
        if number == 0 || number > 0x1fff_ffff {
            return Err(malformed("a field number that does not exist"));
        }
        let value = match tag & 7 {
            0 => FieldValue::Number(varint(stream)?),
            1 => FieldValue::Number(stream.u64()?),
            5 => FieldValue::Number(u64::from(stream.u32()?)),
            2 => {
                let length = varint(stream)?;
                let start = stream.position();
                let end = start.checked_add(length).filter(|end| *end <= self.end);
                let end = end.ok_or(malformed("a field that is longer than its message"))?;
                FieldValue::Bytes { start, end }
            }
            _ => return Err(malformed("a wire type that is not in use")),
        };
        self.next = match value {
            FieldValue::Number(_) => stream.position(),
            FieldValue::Bytes { end, .. } => end,
        };
        if self.next > self.end {
            return Err(malformed("a field that is longer than its message"));
        }
        Ok(Some(Field { number, value, offset }))
    }
}

/// A number of variable length.
fn varint<R: Read + Seek>(stream: &mut Stream<R>) -> Result<u64, ProtobufError> {
    let offset = stream.position();
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = stream.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ProtobufError::Malformed { offset, what: "a number of more than ten bytes" })
}

impl FieldValue {
    /// The message that the bytes are, when they are bytes.
    pub fn message(self) -> Option<Message> {
        match self {
            FieldValue::Bytes { start, end } => Some(Message::new(start, end)),
            FieldValue::Number(_) => None,
        }
    }

    /// The number, when it is one.
    pub fn number(self) -> Option<u64> {
        if let FieldValue::Number(number) = self { Some(number) } else { None }
    }

    /// Length in bytes; zero for a number.
    pub fn size(self) -> u64 {
        match self {
            FieldValue::Bytes { start, end } => end - start,
            FieldValue::Number(_) => 0,
        }
    }

    /// The first `limit` of the bytes, as text.
    pub fn text<R: Read + Seek>(
        self,
        stream: &mut Stream<R>,
        limit: u64,
    ) -> Result<String, ProtobufError> {
        let FieldValue::Bytes { start, end } = self else { return Ok(String::new()) };
        stream.seek_to(start)?;
        let bytes = stream.take((end - start).min(limit))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, FieldValue)>, ProtobufError> {
        let mut stream = Stream::new(Cursor::new(bytes), bytes.len() as u64);
        let mut message = Message::new(0, bytes.len() as u64);
        let mut seen = Vec::new();
        while let Some(field) = message.field(&mut stream)? {
            seen.push((field.number, field.value));
        }
        Ok(seen)
    }

    #[test]
    fn each_wire_type_is_read() {
        let bytes =
            [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            fields(&bytes).unwrap(),
            [
                (1, FieldValue::Number(150)),
                (2, FieldValue::Bytes { start: 5, end: 7 }),
                (3, FieldValue::Number(1)),
                (4, FieldValue::Number(2)),
            ]
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for bytes in [
            &[0x12, 3, b'h', b'i'][..],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xff; 11],
            &[0x0b],
            &[0x0c],
            &[0x0f],
            &[0x00, 0x00],
            &[0x08],
            &[0x1d, 0, 0],
        ] {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(fields(&[]).unwrap(), []);
    }
}

/// Messages for tests, put together from fields.
#[cfg(any(test, feature = "samples"))]
pub mod sample {
    fn varint(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let low = u8::try_from(value & 0x7f).expect("seven bits");
            value >>= 7;
            out.push(if value > 0 { low | 0x80 } else { low });
            if value == 0 {
                return out;
            }
        }
    }

    /// A field of bytes.
    pub fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
        let mut out = varint(number << 3 | 2);
        out.extend(varint(content.len() as u64));
        out.extend(content);
        out
    }

    /// A field of text.
    pub fn text(number: u64, content: &str) -> Vec<u8> {
        bytes(number, content.as_bytes())
    }

    /// A numeric field.
    pub fn number(number: u64, value: u64) -> Vec<u8> {
        let mut out = varint(number << 3);
        out.extend(varint(value));
        out
    }

    /// Fields one after another.
    pub fn join(fields: &[Vec<u8>]) -> Vec<u8> {
        fields.concat()
    }
}
