//! Functions that a pickle carries, code and all, as numba saves what it compiled. Loading such a file makes the
//! function and does not call it; it runs when the model is used. That is code, and told as such; it is not
//! what an attack by pickle is, which acts while the file is loaded. The difference holds only where nothing else
//! is done with the code: so everything here is asked of the whole file, and one thing that does not fit makes
//! every name on the way as bad as the lists say.

use super::pickles::GLOBALS;
use model_scan::code_names;
use model_scan::pickle::globals::{Carrier, Verdict};
use model_scan::pickle::{First, GlobalName, MODULE, Scan, What};

/// Modules that such functions compute with.
const MODULES: [&str; 5] = ["numpy", "math", "cmath", "numba", "scipy.special"];

/// Whether code objects are all that the file adds to what the lists allow, and whether none of them names what
/// reaches beyond arithmetic.
pub(super) fn only_functions(scan: &Scan) -> bool {
    let codes = scan.events.iter().any(|event| matches!(event.what, What::Code { .. }));
    let rebuilt = scan.events.iter().any(|event| {
        matches!(&event.what, What::Call { callee, .. } if role(callee) == Some(Carrier::Rebuild))
    });
    let read = scan.omitted == 0 && scan.strings_unread == 0;
    codes && rebuilt && read && scan.events.iter().all(|event| fits(&event.what))
}

/// Whether an event is one of those that rebuild a function.
pub(super) fn is_part(what: &What) -> bool {
    match what {
        What::Import(name) => role(name).is_some() || name.name == MODULE,
        What::Call { callee, .. } => role(callee).is_some(),
        What::BuildOnResult { root, .. } => root.as_ref().is_some_and(|root| role(root).is_some()),
        _ => false,
    }
}

fn fits(what: &What) -> bool {
    match what {
        What::Import(name) if name.name == MODULE => is_module(&name.module),
        What::Import(name) => role(name).is_some() || verdict(name) != Verdict::Denied,
        What::Code { by, names, whole } => {
            let parts = |name: &String| !name.split('.').any(code_names::reaches);
            *whole && role(by) == Some(Carrier::Code) && names.iter().all(parts)
        }
        What::Call { callee, first, built, .. } => match role(callee) {
            // A function that nobody read could call what it is handed.
            None if *built => verdict(callee) != Verdict::Denied,
            None => !matches!(verdict(callee), Verdict::Denied | Verdict::Unknown),
            // A function that the file itself made; any other would be changed for everybody.
            Some(Carrier::State) => is_of(first, Carrier::Function),
            // Which module is an import of its own, and what type a code object.
            Some(Carrier::Module | Carrier::Code) => *first == First::Constant,
            Some(Carrier::Rebuild) => {
                let inside = is_of(first, Carrier::Rebuild) || is_of(first, Carrier::Pair);
                callee.name != "custom_rebuild" || inside
            }
            Some(Carrier::Pair) => {
                matches!(first, First::Global(class) if role(class) == Some(Carrier::Class))
            }
            Some(Carrier::Types) => {
                matches!(first, First::Global(made) if made.name == "_reconstructor"
                    && matches!(made.module.as_str(), "copyreg" | "copy_reg"))
            }
            Some(Carrier::Value) => *built,
            Some(Carrier::Class) => false,
            Some(Carrier::Function) => is_of(first, Carrier::Code),
            Some(Carrier::Cell) => true,
        },
        // State is set by `_function_setstate`; `BUILD` has no business with such a function.
        What::BuildOnResult { root, .. } => root
            .as_ref()
            .is_none_or(|root| matches!(role(root), None | Some(Carrier::Value | Carrier::Types))),
        What::CallOnResult { .. }
        | What::Rebind { .. }
        | What::Drain { .. }
        | What::DynamicGlobal { .. }
        | What::Extension { .. }
        | What::PersistentId { .. }
        | What::Broken { .. }
        | What::FrameDivergence { .. }
        | What::DuplicateProto
        | What::UnsupportedProto { .. }
        | What::Expansion { .. } => false,
        // Strings that are pickles hold events of their own, which are all here.
        What::Nested { encoding, .. } => encoding == "bytes",
        What::Trailing { .. } => true,
    }
}

fn role(name: &GlobalName) -> Option<Carrier> {
    GLOBALS.carrier(&name.module, &name.name)
}

fn is_of(first: &First, wanted: Carrier) -> bool {
    matches!(first, First::Of(of) if role(of) == Some(wanted))
}

fn verdict(name: &GlobalName) -> Verdict {
    GLOBALS.judge(&name.module, &name.name).verdict
}

/// Whether it is one of the modules that compiled functions compute with.
fn is_module(name: &str) -> bool {
    let known = |module: &&str| {
        name.strip_prefix(*module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    MODULES.iter().any(known)
        && verdict(&GlobalName { module: name.to_owned(), name: MODULE.to_owned() })
            != Verdict::Denied
        || name == "numba"
}
