//! Shannon entropy, the measure that tells packed or encrypted bytes from structured ones.

/// Below this many bytes entropy says nothing: 512 random bytes reach only 7.6 bits.
pub const ENTROPY_FLOOR: usize = 4096;

/// At most this many bytes are counted; of longer files sixteen pieces, spread evenly.
pub const ENTROPY_SAMPLE: usize = 1 << 20;

const PIECES: usize = 16;

/// Bits of entropy a byte, 0 to 8, rounded to thousandths; nothing for files of less than
/// [`ENTROPY_FLOOR`] bytes.
#[must_use]
pub fn bits_per_byte(bytes: &[u8]) -> Option<f64> {
    if bytes.len() < ENTROPY_FLOOR {
        return None;
    }
    let mut counts = [0_u32; 256];
    if bytes.len() <= ENTROPY_SAMPLE {
        count(bytes, &mut counts);
    } else {
        let piece = ENTROPY_SAMPLE / PIECES;
        for index in 0..PIECES {
            let at = (bytes.len() - piece) / (PIECES - 1) * index;
            count(&bytes[at..at + piece], &mut counts);
        }
    }
    let total = f64::from(counts.iter().sum::<u32>());
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    Some((bits * 1000.0).round() / 1000.0)
}

fn count(bytes: &[u8], counts: &mut [u32; 256]) {
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
}
