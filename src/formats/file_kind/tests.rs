use super::*;

#[test]
fn nothing_is_empty() {
    assert_eq!(classify(b"").class, FileClass::Empty);
}
