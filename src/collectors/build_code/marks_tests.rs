//! Every word that chooses a file is looked for.

use super::*;

#[test]
fn every_word_is_found_in_whichever_search_it_is() {
    for (word, mark) in WORDS {
        let found = marks(format!("fn f() {{ x({word} y) }}").as_bytes());
        let told = match mark {
            Mark::Includes => found.includes,
            Mark::Secrets => found.secrets,
            Mark::Network => found.network,
            Mark::Starts => found.starts,
            Mark::Early => found.early,
            Mark::Links => found.links,
            Mark::Reads => found.reads,
            Mark::Asks => found.asks,
        };
        assert!(told, "{word}: {found:?}");
    }
    assert_eq!(marks(b"pub fn one() -> u8 { 1 }"), Marks::default());
    // Two of them that stand for different things, each from another search.
    let both = marks(b"TcpStream and memfd_create");
    assert!(both.network && both.links && !both.secrets);
}

#[test]
fn no_search_has_more_words_than_are_looked_for_at_once() {
    assert!(searches().iter().all(|(_, search)| search.patterns_len() <= 64));
    let all: usize = searches().iter().map(|(_, search)| search.patterns_len()).sum();
    assert_eq!(all, WORDS.len());
}
