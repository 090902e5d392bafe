//! 7z, by a kept crate that bounds its memory and shows what lies beyond declared sizes. Members are
//! decompressed one after another; of one that is longer than what is kept, the first bytes are looked at.

use std::cell::RefCell;
use std::io::{Cursor, Read};
use std::rc::Rc;

use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};

use super::super::model_kind::{HEAD, ModelFileKind};
use super::section::{HEAD_KEPT, Section};
use super::{DENSE_FROM, Member, RATIO, Shared, TOTAL, Walk, child, classify};
use custody_bytes::zip_reader;

/// Memory that a header or a decoder may take, KiB.
const MEMORY_KIB: usize = 64 * 1024;

impl Walk<'_> {
    /// Opens a 7z archive; what it cannot open is said.
    pub(super) fn seven(&mut self, member: &Member, section: &Section<'_>) {
        let source = section.part(0, member.size);
        let reader = ArchiveReader::new_with_memory_limit(source, Password::empty(), MEMORY_KIB);
        let mut reader = match reader {
            Ok(reader) => reader,
            Err(error) => return self.seven_failed(member, &error),
        };
        reader.set_thread_count(1);
        let files = &reader.archive().files;
        let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        self.visitor.container(member, &names);
        for name in names.iter().filter(|name| zip_reader::leaves(name)) {
            self.note(&member.path, "7z-traversal", None, name.clone());
        }
        let each = |entry: &sevenz_rust2::ArchiveEntry, data: &mut dyn Read| {
            Ok::<_, Error>(self.seven_member(member, entry.name(), data))
        };
        let ended = reader.for_each_entries_with_decision_allowing_surplus(each);
        if let Err(error) = ended {
            self.seven_failed(member, &error);
        }
    }

    fn seven_failed(&mut self, member: &Member, error: &Error) {
        let kind = match error {
            Error::PasswordRequired | Error::MaybeBadPassword(_) => "7z-encrypted",
            _ => "compression-broken",
        };
        self.note(&member.path, kind, None, format!("7z: {error}"));
        self.visitor.unscannable(&member.path, format!("7z: {error}"));
    }

    fn seven_member(&mut self, member: &Member, name: &str, data: &mut dyn Read) -> EntryDecision {
        let path = child(&member.path, name);
        if !self.count(&path) {
            return EntryDecision::Stop;
        }
        let mut head = Vec::new();
        if let Err(error) = data.take(HEAD_KEPT as u64).read_to_end(&mut head) {
            self.note(&path, "compression-broken", None, error.to_string());
        }
        let Some(size) = self.drain(&path, member.size, head.len() as u64, data) else {
            return EntryDecision::Stop;
        };
        let first = &head[..head.len().min(HEAD)];
        let kind = classify(first, &mut Cursor::new(first), head.len() as u64);
        if kind == ModelFileKind::Other || kind == ModelFileKind::Empty {
            return EntryDecision::Continue;
        }
        if size > head.len() as u64 {
            let why = format!("{size} bytes in a 7z archive; the first {} were read", head.len());
            self.note(&path, "member-too-long", None, why.clone());
            self.visitor.unscannable(&path, why);
        }
        let length = head.len() as u64;
        let shared: Shared<'_> = Rc::new(RefCell::new(Cursor::new(head)));
        self.enter(&path, Section::new(&shared, 0, length), member.depth + 1);
        EntryDecision::Continue
    }

    /// Reads on to the end, counting; `None` where it is a bomb.
    fn drain(&mut self, path: &str, packed: u64, read: u64, data: &mut dyn Read) -> Option<u64> {
        let mut size = read;
        self.inflated = self.inflated.saturating_add(read);
        self.budget = self.budget.saturating_add(super::READINGS.saturating_mul(read));
        let mut piece = vec![0; 64 * 1024];
        // An error ends the member; the archive's own iteration reports it.
        while let Ok(got @ 1..) = data.read(&mut piece) {
            size += got as u64;
            self.inflated = self.inflated.saturating_add(got as u64);
            let dense = size > DENSE_FROM && size / packed.max(1) >= RATIO;
            if dense || self.inflated > TOTAL {
                let detail = format!("{size} bytes decompressed from an archive of {packed}");
                self.note(path, "bomb", None, detail);
                return None;
            }
        }
        Some(size)
    }
}
