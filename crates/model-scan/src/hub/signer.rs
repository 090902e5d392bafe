//! Whom a Sigstore bundle says it is signed by: the names in its certificate, or the hint of its key
//! (<https://github.com/sigstore/protobuf-specs>). Read off and never verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Longest certificate that is read, in bytes.
const CERTIFICATE_LIMIT: usize = 64 * 1024;
/// Longest name that is kept, in characters.
const NAME_CHARS: usize = 300;
/// `id-ce-subjectAltName` (RFC 5280) as DER writes it.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

/// The claimed signer: an address of mail, or of a workflow without the branch or tag it ran on, since that
/// changes with each release; `key: ` and the hint where a bare key signed. Nothing where none is told.
#[must_use]
pub fn claimed_signer(bundle: &Value) -> Option<String> {
    let material = bundle.get("verificationMaterial")?;
    let raw = |certificate: &Value| {
        let text = certificate.get("rawBytes")?.as_str()?;
        (text.len() <= CERTIFICATE_LIMIT * 2).then(|| STANDARD.decode(text).ok())?
    };
    let chain = || material.get("x509CertificateChain")?.get("certificates")?.get(0);
    let certificate = material.get("certificate").or_else(chain).and_then(raw);
    let name = match certificate.filter(|der| der.len() <= CERTIFICATE_LIMIT) {
        Some(der) => subject(&der)?,
        None => format!("key: {}", material.get("publicKey")?.get("hint")?.as_str()?),
    };
    let stable = name.split_once("@refs/").map_or(name.as_str(), |(workflow, _)| workflow);
    Some(stable.chars().take(NAME_CHARS).collect())
}

/// The first alternative name of a certificate that is one of mail or an address.
fn subject(der: &[u8]) -> Option<String> {
    let certificate = Parts(der).next().filter(|(tag, _)| *tag == 0x30)?.1;
    let signed = Parts(certificate).next().filter(|(tag, _)| *tag == 0x30)?.1;
    let (_, explicit) = Parts(signed).find(|(tag, _)| *tag == 0xa3)?;
    let (_, extensions) = Parts(explicit).next()?;
    for (_, extension) in Parts(extensions) {
        let mut parts = Parts(extension);
        if parts.next() != Some((0x06, &ALTERNATIVE_NAMES[..])) {
            continue;
        }
        let (_, wrapped) = parts.find(|(tag, _)| *tag == 0x04)?;
        let (_, names) = Parts(wrapped).next()?;
        // rfc822Name and uniformResourceIdentifier.
        let (_, name) = Parts(names).find(|(tag, _)| matches!(tag, 0x81 | 0x86))?;
        return std::str::from_utf8(name).ok().map(str::to_owned);
    }
    None
}

/// Tag and content of the values that follow one another in DER; ends where the bytes are none.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            if !(1..=3).contains(&count) {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(count)?;
            length = bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => out.push(short),
            _ => {
                out.push(0x82);
                out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            }
        }
        out.extend(content);
        out
    }

    /// The parts of a certificate that are walked through, around one alternative name.
    fn certificate(tag: u8, name: &str) -> Vec<u8> {
        let names = der(0x04, &der(0x30, &der(tag, name.as_bytes())));
        let critical = der(0x01, &[0xff]);
        let ours = der(0x30, &[der(0x06, &ALTERNATIVE_NAMES), critical, names].concat());
        let usage =
            der(0x30, &[der(0x06, &[0x55, 0x1d, 0x0f]), der(0x04, &[3, 2, 7, 128])].concat());
        let extensions = der(0xa3, &der(0x30, &[usage, ours].concat()));
        let signed = der(0x30, &[der(0x02, &[1]), der(0x30, &[0; 200]), extensions].concat());
        der(0x30, &[signed, der(0x03, &[0; 70])].concat())
    }

    fn bundle(der: &[u8]) -> Value {
        json!({"verificationMaterial": {"certificate": {"rawBytes": STANDARD.encode(der)}}})
    }

    #[test]
    fn a_certificate_names_a_person_or_a_workflow_without_its_tag() {
        let mail = bundle(&certificate(0x81, "ann@example.invalid"));
        assert_eq!(claimed_signer(&mail).as_deref(), Some("ann@example.invalid"));
        let workflow = "https://code.example.invalid/o/n/.github/workflows/r.yml";
        for tag in ["v1", "v2"] {
            let of_tag = certificate(0x86, &format!("{workflow}@refs/tags/{tag}"));
            assert_eq!(claimed_signer(&bundle(&of_tag)).as_deref(), Some(workflow));
        }
        let chain = json!({"verificationMaterial": {"x509CertificateChain": {"certificates": [
            {"rawBytes": STANDARD.encode(certificate(0x81, "bob@example.invalid"))}]}}});
        assert_eq!(claimed_signer(&chain).as_deref(), Some("bob@example.invalid"));
        let key = json!({"verificationMaterial": {"publicKey": {"hint": "abc"}}});
        assert_eq!(claimed_signer(&key).as_deref(), Some("key: abc"));
    }

    #[test]
    fn what_is_no_certificate_tells_nobody() {
        let whole = certificate(0x81, "ann@example.invalid");
        for end in 0..whole.len() {
            let _ = claimed_signer(&bundle(&whole[..end]));
        }
        assert_eq!(claimed_signer(&bundle(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff])), None);
        assert_eq!(claimed_signer(&bundle(&certificate(0x82, "host"))), None);
        assert_eq!(claimed_signer(&json!({})), None);
    }
}
