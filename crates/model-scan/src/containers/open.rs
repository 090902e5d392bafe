//! How each container is opened.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};

use super::super::model_kind::{HEAD, ModelFileKind};
use super::section::{HEAD_KEPT, Inflated, Kept, Section};
use super::{DENSE_FROM, Member, RATIO, TOTAL, Walk, child, classify, npy, tar};
use custody_bytes::codec::Codec;
use custody_bytes::zip_reader::{self, Archive};

/// Bytes of a member that decide what it is; `HEAD` of them are read where these leave it open.
const FIRST: usize = 64;

/// The codec of a kind that is a compressed stream.
pub(crate) fn codec(kind: ModelFileKind) -> Option<Codec> {
    Some(match kind {
        ModelFileKind::Gzip => Codec::Gzip,
        ModelFileKind::Bzip2 => Codec::Bzip2,
        ModelFileKind::Xz => Codec::Xz,
        ModelFileKind::Lzma => Codec::Lzma,
        ModelFileKind::Zstd => Codec::Zstd,
        ModelFileKind::Zlib => Codec::Zlib,
        ModelFileKind::Lz4 => Codec::Lz4,
        _ => return None,
    })
}

impl Walk<'_> {
    pub(super) fn zip(&mut self, member: &Member, section: &Section<'_>) -> io::Result<()> {
        if !self.afford(&member.path, member.size) {
            return Ok(());
        }
        let archive = zip_reader::read(&mut section.part(0, member.size), member.size)?;
        if archive.members.is_empty() && archive.directories == 0 {
            let why = "a zip archive without a readable member".to_owned();
            self.visitor.unscannable(&member.path, why);
        }
        self.zip_members(member, section, archive);
        Ok(())
    }

    pub(super) fn zip_members(&mut self, member: &Member, section: &Section<'_>, archive: Archive) {
        let names: Vec<String> = archive.members.iter().map(|inner| inner.name.clone()).collect();
        self.visitor.container(&Member { kind: ModelFileKind::Zip, ..member.clone() }, &names);
        for anomaly in archive.anomalies.seen {
            self.visitor.anomaly(&member.path, anomaly);
        }
        // What stands before and after the archive is read by others as a file of its own.
        if archive.prefix > 0 && member.kind == ModelFileKind::Zip {
            let path = child(&member.path, "(before the archive)");
            self.enter(&path, section.part(0, archive.prefix), member.depth + 1);
        }
        if let Some(at) = archive.trailing_at {
            let path = child(&member.path, "(after the archive)");
            self.enter(&path, section.part(at, member.size - at), member.depth + 1);
        }
        for inner in archive.members.iter().filter(|inner| !inner.is_folder() || inner.packed > 0) {
            let path = child(&member.path, &inner.name);
            if !self.count(&path) {
                break;
            }
            let raw = section.part(inner.data_at, inner.packed);
            if let Err(error) = self.zip_member(&path, inner, &raw, member.depth + 1) {
                self.visitor.unscannable(&path, format!("reading failed: {error}"));
            }
        }
    }

    fn zip_member(
        &mut self,
        path: &str,
        inner: &zip_reader::Member,
        raw: &Section<'_>,
        depth: u8,
    ) -> io::Result<()> {
        if inner.claims_encryption() && !self.flags_lie(path, inner, raw, depth) {
            self.note(path, "zip-encrypted", Some(inner.header_at), String::new());
            self.visitor.unscannable(path, "encrypted".to_owned());
            return Ok(());
        }
        match Codec::of_zip_method(inner.method) {
            Some(Codec::Store) => {
                self.stored(path, inner, raw, depth)?;
            }
            Some(codec) => self.packed(path, raw, codec, Some(inner), depth)?,
            None => {
                let why = format!("zip method {} is not read", inner.method);
                self.visitor.unscannable(path, why);
            }
        }
        Ok(())
    }

    /// Whether bytes that are flagged as encrypted are not: they open, and are something.
    fn flags_lie(
        &mut self,
        path: &str,
        inner: &zip_reader::Member,
        raw: &Section<'_>,
        depth: u8,
    ) -> bool {
        let Some(codec) = Codec::of_zip_method(inner.method) else { return false };
        let mut head = Vec::new();
        let opened = codec.open(raw.part(0, raw.length()));
        let read = opened.and_then(|decoder| decoder.take(HEAD as u64).read_to_end(&mut head));
        let known = read.is_ok() && !head.is_empty() && {
            let size = head.len() as u64;
            classify(&head, &mut Cursor::new(&head), size) != ModelFileKind::Other
        };
        if known && depth <= super::DEPTH {
            let detail = "flagged as encrypted, and is not".to_owned();
            self.note(path, "flags-lie", Some(inner.header_at), detail);
        }
        known
    }

    fn stored(
        &mut self,
        path: &str,
        inner: &zip_reader::Member,
        raw: &Section<'_>,
        depth: u8,
    ) -> io::Result<()> {
        let first = raw.head(FIRST)?;
        let size = raw.length();
        let kind = classify(&first, &mut raw.part(0, size), size);
        // Tar and a few others are told later than by 64 bytes; raw tensors mostly begin without text.
        if kind == ModelFileKind::Other && (size < 512 || !may_be_more(&first)) {
            return Ok(());
        }
        if size <= HEAD_KEPT as u64 && is_checked(kind) {
            let bytes = raw.head(HEAD_KEPT)?;
            self.check_crc(path, inner, &bytes);
        }
        self.enter(path, raw.clone(), depth);
        Ok(())
    }

    fn check_crc(&mut self, path: &str, inner: &zip_reader::Member, bytes: &[u8]) {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        if crc.sum() != inner.crc {
            let detail = format!("{:08x} claimed, {:08x} found", inner.crc, crc.sum());
            self.note(path, "crc-mismatch", Some(inner.header_at), detail);
        }
    }

    /// A compressed stream that is a file of its own.
    pub(super) fn stream(
        &mut self,
        member: &Member,
        section: &Section<'_>,
        codec: Codec,
    ) -> io::Result<()> {
        self.visitor.container(member, &[]);
        let path = child(&member.path, &format!("({})", codec.as_str()));
        self.packed(&path, section, codec, None, member.depth + 1)
    }

    /// Compressed bytes: the first of them decide whether the rest is decompressed.
    fn packed(
        &mut self,
        path: &str,
        raw: &Section<'_>,
        codec: Codec,
        inner: Option<&zip_reader::Member>,
        depth: u8,
    ) -> io::Result<()> {
        let mut head = Vec::new();
        let opened = codec.open(raw.part(0, raw.length()));
        let read = opened.and_then(|decoder| decoder.take(HEAD as u64).read_to_end(&mut head));
        if let Err(error) = read {
            let detail = error.to_string();
            self.note(path, "compression-broken", None, detail.clone());
            if head.is_empty() {
                self.visitor.unscannable(path, format!("{}: {detail}", codec.as_str()));
                return Ok(());
            }
        }
        let size = head.len() as u64;
        let kind = classify(&head, &mut Cursor::new(&head), size);
        if inner.is_some() && kind == ModelFileKind::Other {
            return Ok(());
        }
        let inflated = self.inflate(path, raw, codec)?;
        let Decompressed { kept, whole } = &inflated;
        if let Some(inner) = inner
            && kept.size == kept.head.len() as u64
            && *whole
        {
            self.check_crc(path, inner, &kept.head);
        }
        self.enter_inflated(path, raw, codec, inflated, depth);
        Ok(())
    }

    fn enter_inflated(
        &mut self,
        path: &str,
        raw: &Section<'_>,
        codec: Codec,
        inflated: Decompressed,
        depth: u8,
    ) {
        let Decompressed { kept, .. } = inflated;
        let size = kept.size;
        let shared: super::Shared<'_> = if size == kept.head.len() as u64 {
            std::rc::Rc::new(std::cell::RefCell::new(Cursor::new(kept.head)))
        } else {
            let source = Inflated::new(raw.part(0, raw.length()), codec, kept);
            std::rc::Rc::new(std::cell::RefCell::new(source))
        };
        self.enter(path, Section::new(&shared, 0, size), depth);
    }

    /// Decompresses once to learn the size and whether it is whole, keeping both ends.
    fn inflate(&mut self, path: &str, raw: &Section<'_>, codec: Codec) -> io::Result<Decompressed> {
        let mut decoder = codec.open(raw.part(0, raw.length()))?;
        let mut out = Decompressed { kept: Kept::default(), whole: false };
        let mut piece = vec![0; 64 * 1024];
        loop {
            let got = match decoder.read(&mut piece) {
                Ok(0) => {
                    out.whole = true;
                    return Ok(out);
                }
                Ok(got) => got,
                Err(error) => {
                    let detail = format!("after {} bytes: {error}", out.kept.size);
                    self.note(path, "compression-broken", None, detail);
                    return Ok(out);
                }
            };
            out.kept.take(&piece[..got]);
            self.inflated = self.inflated.saturating_add(got as u64);
            self.budget = self.budget.saturating_add(super::READINGS.saturating_mul(got as u64));
            let (size, packed) = (out.kept.size, raw.length());
            let dense = size > DENSE_FROM && size / packed.max(1) >= RATIO;
            if dense || self.inflated > TOTAL {
                let detail = format!("{size} bytes of {packed} decompressed so far");
                self.note(path, "bomb", None, detail);
                // What was kept from the start is looked at.
                let head = std::mem::take(&mut out.kept.head);
                out.kept = Kept::default();
                out.kept.take(&head);
                return Ok(out);
            }
        }
    }

    pub(super) fn tar(&mut self, member: &Member, section: &mut Section<'_>) -> io::Result<()> {
        if !self.afford(&member.path, member.size) {
            return Ok(());
        }
        let (entries, why) = tar::list(section, member.size, zip_reader::MEMBERS)?;
        let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        self.visitor.container(member, &names);
        if let Some(why) = why {
            self.note(&member.path, "tar-broken", None, why);
        }
        let mut seen = BTreeSet::new();
        for entry in &entries {
            let path = child(&member.path, &entry.name);
            if !self.count(&path) {
                break;
            }
            let at = Some(entry.header_at);
            if zip_reader::leaves(&entry.name) {
                self.note(&member.path, "tar-traversal", at, entry.name.clone());
            }
            if !seen.insert(&entry.name) {
                self.note(&member.path, "tar-duplicate-member", at, entry.name.clone());
            }
            match entry.kind {
                b'1' | b'2' => {
                    let detail = format!("{} -> {}", entry.name, entry.link);
                    self.note(&member.path, "tar-link", at, detail);
                }
                b'3' | b'4' | b'5' | b'6' => {}
                b'S' => self.visitor.unscannable(&path, "a sparse tar member".to_owned()),
                _ => self.enter(&path, section.part(entry.data_at, entry.size), member.depth + 1),
            }
        }
        Ok(())
    }

    pub(super) fn npy(&mut self, member: &Member, section: &Section<'_>) -> io::Result<()> {
        let head = section.head(usize::try_from(npy::HEADER).unwrap_or(0) + 12)?;
        let header = match npy::read(&head) {
            Ok(header) => header,
            Err(error) => {
                self.note(&member.path, "npy-header", None, error.to_string());
                self.visitor.unscannable(&member.path, error.to_string());
                return Ok(());
            }
        };
        self.visitor.leaf(member, &mut section.part(0, member.size));
        let left = member.size.saturating_sub(header.data_at);
        if header.objects {
            let detail = format!("type {}, shape {}", header.descr, header.shape);
            self.note(&member.path, "npy-objects", Some(header.data_at), detail);
            let path = child(&member.path, "(objects)");
            self.enter(&path, section.part(header.data_at, left), member.depth + 1);
        } else if header.data_size.is_some_and(|size| size != left) {
            let detail = format!("type {}, shape {}: {left} bytes", header.descr, header.shape);
            self.note(&member.path, "npy-size", Some(header.data_at), detail);
            // What follows the array may be read as a file of its own, by several `np.load` calls.
            if let Some(size) = header.data_size.filter(|size| *size < left) {
                let path = child(&member.path, "(after the array)");
                self.enter(
                    &path,
                    section.part(header.data_at + size, left - size),
                    member.depth + 1,
                );
            }
        }
        Ok(())
    }
}

struct Decompressed {
    kept: Kept,
    /// Whether the stream ended as it should.
    whole: bool,
}

/// Whether bytes that are nothing by 64 of them may be something by 4 KiB.
fn may_be_more(first: &[u8]) -> bool {
    let text = first.iter().filter(|byte| byte.is_ascii_graphic() || **byte == 0).count();
    first.first().is_some_and(u8::is_ascii_graphic) && text == first.len()
}

/// Kinds whose checksum is worth reading them whole.
fn is_checked(kind: ModelFileKind) -> bool {
    matches!(kind, ModelFileKind::Pickle | ModelFileKind::Text | ModelFileKind::Json)
}
