//! Deltas: an object told as copies out of another one and new bytes between them.

use super::{GitError, OBJECT_LIMIT};

const DAMAGED: GitError = GitError::Damaged { what: "delta" };

/// Size of the object that a delta starts from, size of its result, and where its instructions start.
pub fn sizes(delta: &[u8]) -> Result<(u64, u64, usize), GitError> {
    let (from, first) = size(delta)?;
    let (to, second) = size(&delta[first..])?;
    if to > OBJECT_LIMIT {
        return Err(GitError::TooLarge { size: to });
    }
    Ok((from, to, first + second))
}

/// A number of 7 bits a byte, lowest first, and how many bytes it takes.
fn size(bytes: &[u8]) -> Result<(u64, usize), GitError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(DAMAGED)
}

/// Applies a delta. The result has the size that the delta announces, or there is none.
pub fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, GitError> {
    let (from, to, mut at) = sizes(delta)?;
    if from != base.len() as u64 {
        return Err(DAMAGED);
    }
    let to = usize::try_from(to).map_err(|_| DAMAGED)?;
    let mut out = Vec::with_capacity(to);
    while let Some(&instruction) = delta.get(at) {
        at += 1;
        let piece = if instruction & 0x80 != 0 {
            let (offset, length, read) = copied(instruction, &delta[at..])?;
            at += read;
            base.get(offset..offset.checked_add(length).ok_or(DAMAGED)?)
        } else {
            let length = usize::from(instruction);
            let piece = if length == 0 { None } else { delta.get(at..at + length) };
            at += length;
            piece
        };
        let piece = piece.ok_or(DAMAGED)?;
        if out.len() + piece.len() > to {
            return Err(DAMAGED);
        }
        out.extend_from_slice(piece);
    }
    if out.len() == to { Ok(out) } else { Err(DAMAGED) }
}

/// Offset and length of a copy, and how many bytes told them: one for every bit that is set.
fn copied(instruction: u8, rest: &[u8]) -> Result<(usize, usize, usize), GitError> {
    let (mut offset, mut length, mut read) = (0_usize, 0_usize, 0_usize);
    for bit in 0..7 {
        if instruction & (1 << bit) != 0 {
            let byte = usize::from(*rest.get(read).ok_or(DAMAGED)?);
            read += 1;
            if bit < 4 {
                offset |= byte << (8 * bit);
            } else {
                length |= byte << (8 * (bit - 4));
            }
        }
    }
    Ok((offset, if length == 0 { 0x1_0000 } else { length }, read))
}
