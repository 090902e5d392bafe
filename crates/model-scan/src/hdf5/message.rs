//! Object headers and their messages: attributes, and where more of them are.

use std::io::{Read, Seek};

use super::{Hdf5File, MESSAGES_LIMIT, Stop, VALUE_LIMIT};

/// Message with an attribute.
const ATTRIBUTE: u16 = 0x0c;
/// Message with the address of more messages.
const CONTINUATION: u16 = 0x10;
/// Message with the address of attributes kept in a heap.
const ATTRIBUTE_INFO: u16 = 0x15;
/// Mark of an address that is not set.
const UNDEFINED: u64 = u64::MAX;

/// How messages are framed.
#[derive(Clone, Copy)]
struct Framing {
    /// Version 2 of the object header.
    compact: bool,
    /// Whether two bytes of creation order follow a message's flags.
    ordered: bool,
}

impl<R: Read + Seek> Hdf5File<R> {
    pub(super) fn object_header(&mut self, at: u64) -> Result<(), Stop> {
        self.visit(at)?;
        self.stream.seek_to(at)?;
        let start = self.stream.array::<4>()?;
        if &start == b"OHDR" {
            let [version, flags] = self.stream.array::<2>()?;
            if version != 2 {
                return Err(self.note("malformed", at, format!("object header {version}")));
            }
            let times = if flags & 0x20 != 0 { 16 } else { 0 };
            let phases = if flags & 0x10 != 0 { 4 } else { 0 };
            self.stream.skip(times + phases)?;
            let size = self.stored(1 << (flags & 3))?;
            let framing = Framing { compact: true, ordered: flags & 4 != 0 };
            return self.block(size, framing);
        }
        if start[0] != 1 {
            return Err(self.note("malformed", at, format!("object header {}", start[0])));
        }
        self.stream.skip(4)?;
        let size = u64::from(self.stream.u32()?);
        self.stream.skip(4)?;
        self.block(size, Framing { compact: false, ordered: false })
    }

    /// The messages in the next `size` bytes, and in the blocks that continue them.
    fn block(&mut self, size: u64, framing: Framing) -> Result<(), Stop> {
        let mut blocks = vec![(self.stream.position(), size)];
        while let Some((start, size)) = blocks.pop() {
            let end = start.checked_add(size).filter(|end| *end <= self.stream.len());
            let Some(end) = end else {
                return Err(self.note("truncated", start, format!("{size} bytes of messages")));
            };
            let mut next = start;
            let head = if framing.compact { 4 + 2 * u64::from(framing.ordered) } else { 8 };
            while next + head <= end {
                self.stream.seek_to(next)?;
                let (kind, length) = self.message_head(framing)?;
                let body = next + head;
                next = body + length;
                if next > end {
                    return Err(self.note("malformed", body, "a message longer than its block"));
                }
                self.messages += 1;
                if self.messages > MESSAGES_LIMIT {
                    let detail = format!("more than {MESSAGES_LIMIT} messages");
                    return Err(self.note("too-many-messages", body, detail));
                }
                self.stream.seek_to(body)?;
                match kind {
                    ATTRIBUTE => self.attribute_message(next)?,
                    CONTINUATION => blocks.push(self.continuation(framing)?),
                    ATTRIBUTE_INFO => self.attribute_info()?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn message_head(&mut self, framing: Framing) -> Result<(u16, u64), Stop> {
        if framing.compact {
            let head = self.stream.array::<4>()?;
            let length = u16::from_le_bytes([head[1], head[2]]);
            return Ok((u16::from(head[0]), u64::from(length)));
        }
        let head = self.stream.array::<8>()?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        Ok((kind, u64::from(u16::from_le_bytes([head[2], head[3]]))))
    }

    /// Where the messages of a continuation lie.
    fn continuation(&mut self, framing: Framing) -> Result<(u64, u64), Stop> {
        let at = self.address()?;
        let size = self.length()?;
        self.visit(at)?;
        if !framing.compact {
            return Ok((at, size));
        }
        self.stream.seek_to(at)?;
        if &self.stream.array::<4>()? != b"OCHK" || size < 8 {
            return Err(self.note("malformed", at, "a continuation without its signature"));
        }
        Ok((at + 4, size - 8))
    }

    /// Attributes that do not fit into the header are kept in a fractal heap.
    fn attribute_info(&mut self) -> Result<(), Stop> {
        let [_version, flags] = self.stream.array::<2>()?;
        if flags & 1 != 0 {
            self.stream.skip(2)?;
        }
        let address = self.stored(self.offset_size)?;
        let unset = UNDEFINED >> (64 - 8 * u32::from(self.offset_size));
        if address == unset {
            return Ok(());
        }
        let at = self.base.saturating_add(address);
        self.dense_attributes(at)
    }

    /// One attribute that ends at `end`.
    pub(super) fn attribute_message(&mut self, end: u64) -> Result<(), Stop> {
        let at = self.stream.position();
        let [version, _flags] = self.stream.array::<2>()?;
        let sizes = self.stream.array::<6>()?;
        let [name_size, type_size, space_size] =
            [0, 2, 4].map(|i| u64::from(u16::from_le_bytes([sizes[i], sizes[i + 1]])));
        let pad = |size: u64| if version == 1 { size.next_multiple_of(8) } else { size };
        match version {
            1 | 2 => {}
            3 => self.stream.skip(1)?,
            _ => return Err(self.note("malformed", at, format!("attribute message {version}"))),
        }
        let name_at = self.stream.position();
        let name = self.stream.take(name_size)?;
        let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        self.stream.seek_to(name_at + pad(name_size))?;
        let type_at = self.stream.position();
        let class = if type_size >= 8 { self.stream.array::<8>()? } else { [0; 8] };
        let data = type_at + pad(type_size) + pad(space_size);
        let wanted = matches!(name.as_str(), "model_config" | "training_config" | "keras_version");
        if !wanted {
            self.attribute(&name, None, at);
            return Ok(());
        }
        self.stream.seek_to(data.min(end))?;
        let value = self.value(class, end.saturating_sub(data))?;
        self.attribute(&name, value.as_deref(), at);
        Ok(())
    }

    /// A string of the given type; `None` when it is something else.
    fn value(&mut self, class: [u8; 8], room: u64) -> Result<Option<String>, Stop> {
        let size = u64::from(u32::from_le_bytes([class[4], class[5], class[6], class[7]]));
        let bytes = match class[0] & 0x0f {
            3 if size <= room => self.stream.take(size)?,
            9 if room >= 8 + u64::from(self.offset_size) => {
                let length = u64::from(self.stream.u32()?);
                let heap = self.address()?;
                let index = self.stream.u32()?;
                if length > VALUE_LIMIT {
                    let at = self.stream.position();
                    self.facts.anomalies.note(
                        "too-long",
                        at,
                        format!("a string of {length} bytes"),
                    );
                    return Ok(None);
                }
                match self.heap_object(heap, index)? {
                    Some(bytes) => bytes,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
