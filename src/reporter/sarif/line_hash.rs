//! GitHub's `primaryLocationLineHash`: by it code scanning knows an alert again when lines move.
//!
//! Written from the description in GitHub's documentation of SARIF support and held against the
//! vectors of the `codeql-action` tests. A value that differs from the one that the upload action
//! computes gives a warning for every result, so it has to be the genuine one.

use std::collections::BTreeMap;

/// Characters of a window, spaces and tabs left out.
const WINDOW: usize = 100;
const BASE: u64 = 37;
/// Stands for the end of the file.
const END: u16 = 0xFFFF;

/// The hash of every line, `<hex>:<n>`, where `n` counts equal hashes from the top; line 1 first.
///
/// A line ends with `\n`, `\r` or `\r\n`; what follows the last line break counts as a line.
pub(super) fn line_hashes(text: &str) -> Vec<String> {
    let (units, starts) = significant(text);
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    let mut hashes = Vec::with_capacity(starts.len());
    let mut wanted = starts.iter().copied().peekable();
    let leading = (0..WINDOW).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let unit = |at: usize| units.get(at).copied().map_or(0, u64::from);
    let mut hash =
        (0..WINDOW).fold(0_u64, |hash, at| hash.wrapping_mul(BASE).wrapping_add(unit(at)));
    for at in 0..units.len() {
        if wanted.next_if_eq(&at).is_some() {
            let count = seen.entry(hash).or_insert(0);
            *count += 1;
            hashes.push(format!("{hash:x}:{count}"));
        }
        hash = hash
            .wrapping_mul(BASE)
            .wrapping_add(unit(at + WINDOW))
            .wrapping_sub(leading.wrapping_mul(unit(at)));
    }
    hashes
}

/// UTF-16 units without spaces and tabs, line breaks as `\n`, the end marked; and where lines start.
fn significant(text: &str) -> (Vec<u16>, Vec<usize>) {
    let mut units = Vec::with_capacity(text.len() + 1);
    let mut starts = vec![0];
    let mut after_return = false;
    for unit in text.encode_utf16() {
        let (space, feed, carriage) = (unit == 0x20 || unit == 0x09, unit == 0x0A, unit == 0x0D);
        if space || (feed && after_return) {
            after_return = false;
            continue;
        }
        after_return = carriage;
        units.push(if carriage { 0x0A } else { unit });
        if carriage || feed {
            starts.push(units.len());
        }
    }
    units.push(END);
    (units, starts)
}

#[cfg(test)]
mod tests {
    use super::line_hashes;

    /// Vectors of github/codeql-action, src/fingerprints.test.ts at a7d3945a.
    #[test]
    fn hashes_are_those_of_githubs_own_tests() {
        assert_eq!(line_hashes(""), ["c129715d7a2bc9a3:1"]);
        assert_eq!(
            line_hashes(" a\nb\n  \t\tc\n d"),
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]
        );
        assert_eq!(
            line_hashes(" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End"),
            [
                "8b7cf3e952e7aeb2:1",
                "b1ae1287ec4718d9:1",
                "bff680108adb0fcc:1",
                "c6805c5e1288b612:1",
                "b86d3392aea1be30:1",
                "e6ceba753e1a442:1",
            ]
        );
        assert_eq!(
            line_hashes("x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n"),
            [
                "e54938cc54b302f1:1",
                "bb609acbe9138d60:1",
                "1131fd5871777f34:1",
                "5c482a0f8b35ea28:1",
                "54517377da7028d2:1",
                "2c644846cb18d53e:1",
                "f1b89f20de0d133:1",
                "c129715d7a2bc9a3:1",
            ]
        );
    }

    #[test]
    fn every_kind_of_line_break_is_the_same() {
        let expected = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        for text in [
            " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n",
            " hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r",
            " hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n",
            " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
        ] {
            assert_eq!(line_hashes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn equal_hashes_are_counted_from_the_top() {
        let hashes = line_hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        let expected = (1..=6).map(|n| format!("a7f2ff13bc495cf2:{n}")).chain(
            [
                "a7f2ff1481e87703:1",
                "a9cf91f7bbf1862b:1",
                "55ec222b86bcae53:1",
                "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1",
            ]
            .map(ToOwned::to_owned),
        );
        assert_eq!(hashes, expected.collect::<Vec<_>>());
    }

    #[test]
    fn text_above_does_not_change_a_hash() {
        let below = "name = \"a\"\nversion = \"1.0.0\"\n";
        let moved = format!("[[package]]\n{below}");
        assert_eq!(line_hashes(below)[1], line_hashes(&moved)[2]);
    }
}
