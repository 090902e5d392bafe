//! Constant texts that a shell makes: escapes, `printf`, substrings, patterns, decoded words.

/// Longest text that is made.
const LONGEST: usize = 16 << 10;

/// The escapes of `$'..'`, `printf` and `echo -e`.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(next) = rest.chars().next() else { break };
        let (digits, radix, skip) = match next {
            'x' => (2, 16, 1),
            'u' => (4, 16, 1),
            '0' => (4, 8, 0),
            '1'..='7' => (3, 8, 0),
            _ => {
                out.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' | 'b' | 'f' | 'v' => ' ',
                    other => other,
                });
                rest = &rest[next.len_utf8()..];
                continue;
            }
        };
        let number = &rest[skip..];
        let length = number.chars().take(digits).take_while(|c| c.is_digit(radix)).count();
        let code = u32::from_str_radix(&number[..length], radix).ok();
        out.extend(code.and_then(char::from_u32));
        rest = &number[length..];
    }
    out.push_str(rest);
    out
}

/// What `printf` prints.
pub(super) fn printf(format: &str, arguments: &[String]) -> String {
    let format = unescape(format);
    let mut arguments = arguments.iter();
    let mut out = String::new();
    let mut rest = format.as_str();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let width = rest.bytes().take_while(|b| b.is_ascii_digit() || b"-+. #".contains(b)).count();
        rest = &rest[width..];
        let Some(kind) = rest.chars().next() else { break };
        rest = &rest[kind.len_utf8()..];
        match kind {
            '%' => out.push('%'),
            'b' => out.push_str(&arguments.next().map(|a| unescape(a)).unwrap_or_default()),
            _ => out.push_str(arguments.next().map_or("", String::as_str)),
        }
        if out.len() > LONGEST {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// What `${name:from:length}`, `${name#prefix}`, `${name%suffix}`, `${name/a/b}`, `${name:-else}` make of
/// a text.
pub(super) fn expand(text: Option<&str>, operation: &str) -> Option<String> {
    if let Some(other) = operation.strip_prefix(":-").or_else(|| operation.strip_prefix('-')) {
        return Some(text.filter(|text| !text.is_empty()).unwrap_or(other).to_owned());
    }
    let text = text?;
    if let Some(range) = operation.strip_prefix(':') {
        let mut numbers = range.split(':').map(|part| part.trim().parse::<usize>().ok());
        let from = numbers.next().flatten()?;
        let length = numbers.next().flatten().unwrap_or(usize::MAX);
        return Some(text.chars().skip(from).take(length).collect());
    }
    if let Some(parts) = operation.strip_prefix('/') {
        let all = parts.starts_with('/');
        let (what, by) = parts.trim_start_matches('/').split_once('/').unwrap_or((parts, ""));
        let what = what.trim_start_matches('/');
        if what.is_empty() || by.len() > 256 {
            return Some(text.to_owned());
        }
        return Some(if all { text.replace(what, by) } else { text.replacen(what, by, 1) });
    }
    if let Some(prefix) = operation.strip_prefix('#') {
        let prefix = prefix.trim_start_matches('#');
        let cut = match prefix.strip_prefix('*') {
            Some(mark) => text.split_once(mark).map(|(_, rest)| rest),
            None => text.strip_prefix(prefix),
        };
        return Some(cut.unwrap_or(text).to_owned());
    }
    if let Some(suffix) = operation.strip_prefix('%') {
        let suffix = suffix.trim_start_matches('%');
        let cut = match suffix.strip_suffix('*') {
            Some(mark) => text.rsplit_once(mark).map(|(rest, _)| rest),
            None => text.strip_suffix(suffix),
        };
        return Some(cut.unwrap_or(text).to_owned());
    }
    match operation {
        ",," => Some(text.to_ascii_lowercase()),
        "^^" => Some(text.to_ascii_uppercase()),
        _ => Some(text.to_owned()),
    }
}

/// Whether a pattern of `?`, `*` and `[..]` can mean a name. Few stars: each is tried at every place.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if pattern.len() > 64 || pattern.split(|b| *b == b'*').count() > 4 {
        return false;
    }
    match (pattern.first(), name.first()) {
        (None, None) => true,
        (Some(b'*'), _) => (0..=name.len()).any(|skip| matches(&pattern[1..], &name[skip..])),
        (Some(b'?'), Some(_)) => matches(&pattern[1..], &name[1..]),
        (Some(b'['), Some(byte)) => {
            let Some(end) = pattern.iter().position(|b| *b == b']') else { return false };
            pattern[1..end].contains(byte) && matches(&pattern[end + 1..], &name[1..])
        }
        (Some(one), Some(other)) => one == other && matches(&pattern[1..], &name[1..]),
        _ => false,
    }
}

/// What base64 or hexadecimal digits say, where that is text.
pub(super) fn decoded(program: &str, text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if digits.len() > LONGEST {
        return None;
    }
    let bytes = match program {
        "base64" | "openssl" => base64(&digits)?,
        "xxd" => digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect::<Option<Vec<u8>>>()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// Bytes of base64 digits, padded or not.
pub(super) fn base64(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| {
        Some(u32::from(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        }))
    };
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits.iter().take_while(|digit| **digit != b'=') {
        held = (held << 6 | value(*digit)?) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).unwrap_or(0));
        }
    }
    Some(out)
}
