//! What functions and methods of the standard library compute of values that are known.

use syn::ExprMethodCall;

use super::operators::{part, same};
use super::{Evaluated, Evaluator, Known, LONGEST, Stop};

/// A function of the standard library.
pub(super) fn of_std(path: &[String], given: Vec<Known>) -> Option<Known> {
    let name = path.last()?.as_str();
    let mut given = given.into_iter();
    let first = given.next();
    match (name, first) {
        ("new" | "with_capacity", first) => {
            let of = path.get(path.len().checked_sub(2)?)?.as_str();
            match (of, first) {
                ("Vec", _) => Some(Known::List(Vec::new())),
                ("String", _) => Some(Known::Text(String::new())),
                ("Box", Some(value)) => Some(value),
                _ => None,
            }
        }
        ("from" | "from_u32" | "from_digit", Some(value)) if path.iter().any(|p| p == "char") => {
            let code = u32::try_from(value.int()?).ok()?;
            char::from_u32(code).map(Known::Char)
        }
        ("from_utf8" | "from_utf8_lossy" | "from_utf8_unchecked", Some(value)) => {
            value.text().map(Known::Text)
        }
        ("from", Some(value)) if path.iter().any(|p| p == "String") => {
            value.text().map(Known::Text)
        }
        ("from_iter", Some(value)) if path.iter().any(|p| p == "String") => {
            value.text().map(Known::Text)
        }
        ("from_str_radix", Some(value)) => {
            let radix =
                u32::try_from(given.next()?.int()?).ok().filter(|r| (2..=36).contains(r))?;
            i128::from_str_radix(&value.text()?, radix).ok().map(Known::Int)
        }
        ("from" | "Some" | "Ok", Some(value)) => Some(value),
        _ => None,
    }
}

impl Evaluator<'_, '_> {
    pub(super) fn method(&mut self, call: &ExprMethodCall) -> Evaluated {
        let name = call.method.to_string();
        if let Some(changed) = self.in_place(call, &name) {
            return changed;
        }
        let receiver = self.value(&call.receiver)?;
        let given: Vec<Known> =
            call.args.iter().map(|a| self.value(a)).collect::<Result<_, _>>()?;
        if let [closure @ Known::Closure(_)] = given.as_slice() {
            return self.each(&name, receiver, closure);
        }
        if let ("fold", [start, closure]) = (name.as_str(), given.as_slice()) {
            let mut sum = start.clone();
            for item in receiver.list().ok_or(Stop::Unknown)? {
                sum = self.closure(closure, &[sum, item])?;
            }
            return Ok(sum);
        }
        self.changed |=
            name == "rev" || name.starts_with("wrapping_") || name.starts_with("rotate_");
        let known = match receiver {
            Known::Int(number) => of_number(&name, number, &given),
            Known::Char(letter) => of_letter(&name, letter),
            Known::Text(text) => of_text(&name, text, &given),
            Known::List(list) => of_list(&name, list, &given),
            _ => None,
        };
        if let Some(Known::List(list)) = &known {
            self.steps += u32::try_from(list.len()).unwrap_or(u32::MAX >> 1);
        }
        known.ok_or(Stop::Unknown)
    }

    /// A method that changes the variable that it is called on.
    fn in_place(&mut self, call: &ExprMethodCall, name: &str) -> Option<Evaluated> {
        if !matches!(
            name,
            "push" | "push_str" | "extend" | "extend_from_slice" | "reverse" | "swap"
        ) {
            return None;
        }
        let given: Result<Vec<Known>, Stop> = call.args.iter().map(|a| self.value(a)).collect();
        let given = match given {
            Ok(given) => given,
            Err(stop) => return Some(Err(stop)),
        };
        let place = self.place(&call.receiver).and_then(|(place, at)| match at {
            None => self.variable(&place),
            Some(_) => Err(Stop::Unknown),
        });
        Some(place.and_then(|variable| changed(variable, name, &given).ok_or(Stop::Unknown)))
    }

    /// A method that calls a closure for each part.
    fn each(&mut self, name: &str, receiver: Known, closure: &Known) -> Evaluated {
        let list = match receiver {
            Known::Text(_) | Known::Int(_) if matches!(name, "map" | "and_then") => {
                return self.closure(closure, &[receiver]);
            }
            other => other.list().ok_or(Stop::Unknown)?,
        };
        let mut results = Vec::with_capacity(list.len());
        for item in list {
            let result = self.closure(closure, std::slice::from_ref(&item))?;
            match (name, result) {
                ("map" | "filter_map", result) => results.push(result),
                ("flat_map", result) => results.extend(result.list().ok_or(Stop::Unknown)?),
                ("filter", Known::Bool(true)) => results.push(item),
                ("filter", Known::Bool(false)) => {}
                _ => return Err(Stop::Unknown),
            }
            if results.len() > LONGEST {
                return Err(Stop::Unknown);
            }
        }
        Ok(Known::List(results))
    }
}

fn changed(variable: &mut Known, name: &str, given: &[Known]) -> Option<Known> {
    match (variable, name) {
        (Known::Text(text), "push" | "push_str" | "extend") => {
            text.push_str(&given.first()?.text()?);
        }
        (Known::List(list), "push") => list.push(given.first()?.clone()),
        (Known::List(list), "extend" | "extend_from_slice") => {
            list.extend(given.first()?.clone().list()?);
        }
        (Known::List(list), "reverse") => list.reverse(),
        (Known::List(list), "swap") => {
            let at = |index: usize| usize::try_from(given.get(index)?.int()?).ok();
            let (one, other) = (at(0)?, at(1)?);
            if one.max(other) >= list.len() {
                return None;
            }
            list.swap(one, other);
        }
        _ => return None,
    }
    Some(Known::Unit)
}

fn of_number(name: &str, number: i128, given: &[Known]) -> Option<Known> {
    let other = given.first().and_then(Known::int);
    let byte = u8::try_from(number).ok();
    let turn = other.and_then(|by| u32::try_from(by).ok());
    let number = match name {
        "clone" | "to_owned" | "unwrap" | "into" | "try_into" => number,
        "wrapping_add" => number.checked_add(other?)? & 0xff,
        "wrapping_sub" => number.checked_sub(other?)? & 0xff,
        "wrapping_mul" => number.checked_mul(other?)? & 0xff,
        "rotate_left" => byte?.rotate_left(turn?).into(),
        "rotate_right" => byte?.rotate_right(turn?).into(),
        "reverse_bits" => byte?.reverse_bits().into(),
        "swap_bytes" => byte?.swap_bytes().into(),
        "to_string" => return Some(Known::Text(number.to_string())),
        "to_ascii_lowercase" => byte?.to_ascii_lowercase().into(),
        "to_ascii_uppercase" => byte?.to_ascii_uppercase().into(),
        "is_ascii_alphabetic" => return Some(Known::Bool(byte?.is_ascii_alphabetic())),
        "is_ascii_lowercase" => return Some(Known::Bool(byte?.is_ascii_lowercase())),
        "is_ascii_uppercase" => return Some(Known::Bool(byte?.is_ascii_uppercase())),
        _ => return None,
    };
    Some(Known::Int(number))
}

fn of_letter(name: &str, letter: char) -> Option<Known> {
    match name {
        "clone" | "to_owned" | "unwrap" | "into" => Some(Known::Char(letter)),
        "to_string" => Some(Known::Text(letter.to_string())),
        "to_ascii_lowercase" => Some(Known::Char(letter.to_ascii_lowercase())),
        "to_ascii_uppercase" => Some(Known::Char(letter.to_ascii_uppercase())),
        "is_ascii_alphabetic" | "is_alphabetic" => Some(Known::Bool(letter.is_alphabetic())),
        "is_ascii_lowercase" | "is_lowercase" => Some(Known::Bool(letter.is_lowercase())),
        "is_ascii_uppercase" | "is_uppercase" => Some(Known::Bool(letter.is_uppercase())),
        _ => None,
    }
}

fn of_text(name: &str, text: String, given: &[Known]) -> Option<Known> {
    let pieces = |pieces: Vec<&str>| {
        Some(Known::List(pieces.into_iter().map(|piece| Known::Text(piece.to_owned())).collect()))
    };
    match name {
        "clone" | "to_owned" | "to_string" | "as_str" | "into" | "unwrap" | "expect" | "as_ref"
        | "into_string" | "into_owned" | "borrow" | "collect" => Some(Known::Text(text)),
        "chars" => Some(Known::List(text.chars().map(Known::Char).collect())),
        "bytes" | "as_bytes" | "into_bytes" | "to_vec" => Known::Text(text).list().map(Known::List),
        "trim" => Some(Known::Text(text.trim().to_owned())),
        "to_lowercase" | "to_ascii_lowercase" => Some(Known::Text(text.to_lowercase())),
        "to_uppercase" | "to_ascii_uppercase" => Some(Known::Text(text.to_uppercase())),
        "len" => Some(Known::Int(text.len().try_into().ok()?)),
        "is_empty" => Some(Known::Bool(text.is_empty())),
        "split_whitespace" | "split_ascii_whitespace" => pieces(text.split_whitespace().collect()),
        "lines" => pieces(text.lines().collect()),
        "split" => {
            let by = given.first()?.text().filter(|by| !by.is_empty())?;
            pieces(text.split(by.as_str()).collect())
        }
        "replace" => {
            let (from, to) = (given.first()?.text()?, given.get(1)?.text()?);
            let fits = !from.is_empty() && text.len() * (to.len() + 1) <= LONGEST;
            fits.then(|| Known::Text(text.replace(&from, &to)))
        }
        "repeat" => {
            let times = usize::try_from(given.first()?.int()?).ok()?;
            (text.len().checked_mul(times)? <= LONGEST).then(|| Known::Text(text.repeat(times)))
        }
        "parse" => text.parse().ok().map(Known::Int),
        _ => None,
    }
}

fn of_list(name: &str, mut list: Vec<Known>, given: &[Known]) -> Option<Known> {
    let count = || usize::try_from(given.first()?.int()?).ok();
    match name {
        "iter" | "iter_mut" | "into_iter" | "copied" | "cloned" | "clone" | "collect"
        | "to_vec" | "as_slice" | "as_ref" | "unwrap" | "expect" | "to_owned" | "into"
        | "by_ref" | "as_bytes" | "into_boxed_slice" | "try_into" | "flatten" | "into_vec" => {
            let nested = name == "flatten";
            if !nested {
                return Some(Known::List(list));
            }
            let parts: Option<Vec<Vec<Known>>> = list.into_iter().map(Known::list).collect();
            Some(Known::List(parts?.concat()))
        }
        "rev" => {
            list.reverse();
            Some(Known::List(list))
        }
        "enumerate" => {
            let pair =
                |(at, item)| Some(Known::List(vec![Known::Int(i128::try_from(at).ok()?), item]));
            list.into_iter().enumerate().map(pair).collect::<Option<_>>().map(Known::List)
        }
        "zip" => {
            let other = given.first()?.clone().list()?;
            let pairs =
                list.into_iter().zip(other).map(|(one, other)| Known::List(vec![one, other]));
            Some(Known::List(pairs.collect()))
        }
        "cycle" => {
            // As long as anything here can be.
            let times = LONGEST.checked_div(list.len())?.min(64);
            Some(Known::List(vec![list; times].concat()))
        }
        "chain" => {
            list.extend(given.first()?.clone().list()?);
            Some(Known::List(list))
        }
        "skip" => part(Known::List(list.clone()), count()?.min(list.len()), None),
        "take" => part(Known::List(list.clone()), 0, Some(count()?.min(list.len()))),
        "step_by" => {
            let by = count()?.max(1);
            Some(Known::List(list.into_iter().step_by(by).collect()))
        }
        "chunks" | "chunks_exact" => {
            let by = count()?.max(1);
            Some(Known::List(list.chunks(by).map(|part| Known::List(part.to_vec())).collect()))
        }
        "get" | "nth" => list.get(count()?).cloned(),
        "first" | "next" => list.first().cloned(),
        "last" => list.last().cloned(),
        "len" | "count" => Some(Known::Int(list.len().try_into().ok()?)),
        "is_empty" => Some(Known::Bool(list.is_empty())),
        "sum" => list.iter().map(Known::int).sum::<Option<i128>>().map(Known::Int),
        "contains" => {
            let wanted = given.first()?;
            Some(Known::Bool(list.iter().any(|item| same(item, wanted))))
        }
        "concat" | "join" => {
            let between = given.first().and_then(Known::text).unwrap_or_default();
            if list.iter().all(|item| matches!(item, Known::List(_))) && given.is_empty() {
                let parts: Option<Vec<Vec<Known>>> = list.into_iter().map(Known::list).collect();
                return Some(Known::List(parts?.concat()));
            }
            let texts: Option<Vec<String>> = list.iter().map(Known::text).collect();
            Some(Known::Text(texts?.join(&between))).filter(|joined| match joined {
                Known::Text(text) => text.len() <= LONGEST,
                _ => true,
            })
        }
        _ => None,
    }
}
