//! Who is who: names and mails of one person are united, machines and the accounts of hosts left out.

use std::collections::HashMap;

use crate_read::git_objects::Signature;

/// A person of one history; a number that means nothing outside it.
pub type Person = usize;

/// Names that many people share, and that unite nobody.
const SHARED: [&str; 8] =
    ["root", "admin", "unknown", "your name", "user", "ubuntu", "developer", "me"];
/// Names of machines that commit for others, besides those that say `[bot]`.
const MACHINES: [&str; 9] = [
    "bors",
    "dependabot",
    "renovate",
    "github-actions",
    "homu",
    "release-plz",
    "mergify",
    "weblate",
    "pre-commit-ci",
];

/// All people of a history.
#[derive(Debug, Default)]
pub struct People {
    /// Where each number leads; itself where it is the person's own.
    leads: Vec<Person>,
    names: Vec<String>,
    known: HashMap<String, Person>,
}

impl People {
    /// The person of a signature; none for a machine or the account of a host.
    pub fn of(&mut self, signature: &Signature) -> Option<Person> {
        if is_machine(signature) {
            return None;
        }
        let mail = signature.mail.to_lowercase();
        let name = signature.name.to_lowercase();
        let mut keys = Vec::new();
        if let Some(login) = login(&mail) {
            keys.push(format!("login {login}"));
        } else if mail.contains('@') {
            keys.push(format!("mail {mail}"));
        }
        if name.len() >= 3 && !SHARED.contains(&name.as_str()) {
            keys.push(format!("name {name}"));
        }
        if keys.is_empty() {
            keys.push(format!("mail {mail}"));
        }
        let mut person = None;
        for key in keys {
            let own = match self.known.get(&key) {
                Some(&known) => self.lead(known),
                None => match person {
                    Some(person) => person,
                    None => self.add(&signature.name),
                },
            };
            self.known.insert(key, own);
            person = Some(match person {
                Some(other) if other != own => self.unite(other, own),
                _ => own,
            });
        }
        person
    }

    fn add(&mut self, name: &str) -> Person {
        self.leads.push(self.leads.len());
        self.names.push(name.to_owned());
        self.leads.len() - 1
    }

    fn unite(&mut self, one: Person, other: Person) -> Person {
        let (first, second) = (one.min(other), one.max(other));
        self.leads[second] = first;
        first
    }

    /// The number that stands for all of a person's.
    #[must_use]
    pub fn lead(&self, mut person: Person) -> Person {
        while self.leads[person] != person {
            person = self.leads[person];
        }
        person
    }

    /// The name that a person wrote first.
    #[must_use]
    pub fn name(&self, person: Person) -> &str {
        &self.names[self.lead(person)]
    }
}

/// `12345+login@users.noreply.host` is what a host writes for somebody who hides the mail address.
fn login(mail: &str) -> Option<&str> {
    let (local, host) = mail.split_once('@')?;
    host.starts_with("users.noreply.")
        .then(|| local.split_once('+').map_or(local, |(_, login)| login))
}

/// Whether a signature is of a program or of a host itself.
#[must_use]
pub fn is_machine(signature: &Signature) -> bool {
    let (name, mail) = (signature.name.to_lowercase(), signature.mail.to_lowercase());
    let own = mail.starts_with("noreply@") && mail.matches('.').count() == 1;
    own || name.ends_with("[bot]")
        || mail.contains("[bot]@")
        || MACHINES.iter().any(|machine| name == *machine || name == format!("{machine} bot"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(name: &str, mail: &str) -> Signature {
        Signature { name: name.to_owned(), mail: mail.to_owned(), seconds: 0 }
    }

    #[test]
    fn three_names_and_two_mails_are_one_person() {
        let mut people = People::default();
        let all = [
            signed("jiat75", "jiat75@one.example"),
            signed("Jia Cheong Tan", "jiat0218@two.example"),
            signed("Jia Tan", "jiat0218@two.example"),
            signed("Jia Tan", "jiat75@one.example"),
        ];
        let numbers: Vec<_> = all.iter().map(|s| people.of(s).expect("a person")).collect();
        assert!(numbers.iter().all(|number| people.lead(*number) == people.lead(numbers[0])));
        let other = people.of(&signed("Lasse", "lasse@three.example")).expect("a person");
        assert_ne!(people.lead(other), people.lead(numbers[0]));
        assert_eq!(people.name(numbers[3]), "jiat75");
    }

    #[test]
    fn a_name_that_many_share_unites_nobody_and_a_machine_is_nobody() {
        let mut people = People::default();
        let one = people.of(&signed("root", "a@one.example"));
        let two = people.of(&signed("root", "b@two.example"));
        assert_ne!(one, two);
        let hidden = people.of(&signed("L", "123+login@users.noreply.host.example"));
        let again = people.of(&signed("Else", "login@users.noreply.host.example"));
        assert_eq!(hidden.map(|p| people.lead(p)), again.map(|p| people.lead(p)));
        for machine in [
            signed("GitHub", "noreply@github.com"),
            signed("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com"),
            signed("bors", "bors@rust-lang.example"),
        ] {
            assert_eq!(people.of(&machine), None, "{machine:?}");
        }
    }
}
