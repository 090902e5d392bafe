//! Whether weights and the card beside them name the same model as what they were made from.

use super::facts::{ModelCard, OriginMismatch, Part};
use model_scan::gguf::Gguf;

/// Shortest part of a name that says something of its own.
const TELLING: usize = 4;

/// GGUF files that name base models, none of which is one that the nearest card names. A file or a card
/// that names none is not compared.
pub(super) fn mismatches(gguf: &[Part<Gguf>], cards: &[ModelCard]) -> Vec<OriginMismatch> {
    let differs = |part: &Part<Gguf>| {
        let card = nearest(&part.path, cards)?;
        let said = bases(&part.facts);
        if said.is_empty() || card.base_models.is_empty() {
            return None;
        }
        // A card may name what was converted where the file names what that was trained from.
        let facts = &part.facts;
        let own = [&facts.name, &facts.source_url, &facts.repo_url].into_iter().flatten();
        let names: Vec<String> = said.iter().chain(own).map(|name| key(name)).collect();
        let same =
            card.base_models.iter().any(|base| names.iter().any(|name| alike(&key(base), name)));
        (!same).then(|| OriginMismatch {
            path: part.path.clone(),
            bases: said,
            card: card.path.clone(),
            card_bases: card.base_models.clone(),
        })
    };
    gguf.iter().filter(|part| part.member.is_empty()).filter_map(differs).collect()
}

/// The card in the file's folder, or in the nearest one above.
fn nearest<'c>(path: &str, cards: &'c [ModelCard]) -> Option<&'c ModelCard> {
    let folder = |path: &'_ str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1);
    let above = |card: &&ModelCard| path.starts_with(&card.path[..folder(&card.path)]);
    cards.iter().filter(above).max_by_key(|card| folder(&card.path))
}

/// What a file says it was made from, as ids where there are some.
fn bases(facts: &Gguf) -> Vec<String> {
    let name = |base: &model_scan::gguf::GgufBaseModel| {
        let address =
            base.repo_url.as_deref().and_then(|url| url.split("://").nth(1)?.split_once('/'));
        match (address, &base.organization, &base.name) {
            (Some((_, id)), ..) => Some(id.trim_end_matches('/').to_owned()),
            (None, Some(organization), Some(name)) => Some(format!("{organization}/{name}")),
            (None, _, name) => name.clone(),
        }
    };
    facts.base_models.iter().filter_map(name).collect()
}

/// The last part of an id or address, letters and digits only.
fn key(name: &str) -> String {
    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or(name);
    last.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether one name is the other, with or without a size or a suffix.
fn alike(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    one == other || short.len() >= TELLING && long.contains(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_scan::gguf::GgufBaseModel;

    fn gguf(path: &str, bases: &[(&str, &str, &str)]) -> Part<Gguf> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let base = |(name, organization, url): &(&str, &str, &str)| GgufBaseModel {
            name: text(name),
            organization: text(organization),
            repo_url: text(url),
        };
        let base_models = bases.iter().map(base).collect();
        let facts = Gguf { base_models, name: Some("Finch 8B Chat".to_owned()), ..Gguf::default() };
        Part { path: path.to_owned(), member: String::new(), facts }
    }

    fn card(path: &str, bases: &[&str]) -> ModelCard {
        let base_models = bases.iter().map(|base| (*base).to_owned()).collect();
        ModelCard { path: path.to_owned(), base_models, licenses: Vec::new() }
    }

    #[test]
    fn the_same_model_under_its_id_its_address_and_its_title_is_the_same() {
        let url = "https://example.invalid/org/Wren-8B";
        for file in [
            gguf("m.gguf", &[("Wren 8B", "Org", "")]),
            gguf("m.gguf", &[("", "", url)]),
            gguf("m.gguf", &[("Other", "Org", ""), ("Wren 8B", "Org", "")]),
            gguf("m.gguf", &[]),
        ] {
            assert!(mismatches(&[file], &[card("README.md", &["org/Wren-8B"])]).is_empty());
        }
        // Converted from what was trained from Wren.
        let converted = gguf("m.gguf", &[("Wren 8B", "Org", "")]);
        assert!(
            mismatches(&[converted], &[card("README.md", &["org/Finch-8B-Chat-v2"])]).is_empty()
        );
    }

    #[test]
    fn another_model_is_told_by_the_nearest_card() {
        let file = gguf("a/b/m.gguf", &[("", "", "https://example.invalid/org/Wren-8B/")]);
        let cards = [card("README.md", &["org/Wren-8B"]), card("a/README.md", &["other/Rook-70B"])];
        let told = mismatches(std::slice::from_ref(&file), &cards);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].card.as_str(), told[0].bases[0].as_str()),
            ("a/README.md", "org/Wren-8B")
        );
        assert!(mismatches(&[file], &[card("c/README.md", &["other/Rook-70B"])]).is_empty());
    }
}
