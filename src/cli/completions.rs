//! `completions`: shell completions, for `cargo-custody` and for `cargo custody`.

use clap_complete::Shell;

use super::Failure;
use super::arguments::CompletionsArguments;
use super::{help, output};

/// Bash: what cargo completes itself stays as it is. Behind `custody` the words are those of the program.
const BASH: &str = r#"
# `cargo custody` as well, whatever else completes cargo.
__cargo_custody_before=$(complete -p cargo 2>/dev/null | sed -n 's/.*-F \([^ ]*\).*/\1/p')
_cargo_or_custody() {
    if [[ ${COMP_WORDS[1]} == custody && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=(cargo-custody "${COMP_WORDS[@]:2}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _cargo__custody cargo-custody "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    elif [[ -n $__cargo_custody_before && $__cargo_custody_before != _cargo_or_custody ]]; then
        "$__cargo_custody_before" "$@"
    fi
}
complete -F _cargo_or_custody -o bashdefault -o default cargo
"#;

/// Fish: the same, by asking for the completions of the program.
const FISH: &str = r"
# `cargo custody` as well.
function __cargo_custody_words
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1..2]
    complete -C (string join ' ' -- cargo-custody $words)
end
complete -c cargo -n '__fish_seen_subcommand_from custody' -f -a '(__cargo_custody_words)'
";

/// Prints the completions of one shell. For zsh nothing is added: its completion of cargo calls
/// `_cargo-custody` for `cargo custody`, which is what the script is called.
pub fn run(arguments: &CompletionsArguments) -> Result<u8, Failure> {
    output::stdout(script(arguments.shell).as_bytes())?;
    Ok(0)
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut help::command(), "cargo-custody", &mut bytes);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if shell == Shell::Bash {
        // The name of the program in its help has a space; the generator takes it for a command and its
        // subcommand where it names the cases, and not where it looks for them, so that none is ever met.
        text = text.replace("cargo__subcmd__custody__subcmd__", "cargo__custody__subcmd__");
    }
    text.push_str(match shell {
        Shell::Bash => BASH,
        Shell::Fish => FISH,
        _ => "",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What bash offers for the words, of which the last is being typed.
    #[cfg(unix)]
    fn offered(words: &[&str], before: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("completions");
        std::fs::write(&file, script(Shell::Bash)).unwrap();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let text = format!(
            "{before}\nsource {}\nCOMP_WORDS=({}); COMP_CWORD={}\n_cargo_or_custody cargo '{}' ''\necho \"${{COMPREPLY[@]}}\"",
            file.display(),
            quoted.join(" "),
            words.len() - 1,
            words[words.len() - 1],
        );
        let bash = std::process::Command::new("bash").args(["--norc", "-c", &text]).output();
        String::from_utf8_lossy(&bash.unwrap().stdout).into_owned()
    }

    #[test]
    #[cfg(unix)]
    fn bash_completes_behind_cargo_custody_and_leaves_cargo_alone() {
        let levels = offered(&["cargo", "custody", "check", "--fail-on", ""], "");
        assert!(levels.contains("critical never"), "{levels}");
        let commands = offered(&["cargo", "custody", "wa"], "");
        assert_eq!(commands.trim(), "waive");
        let own = "_other() { COMPREPLY=(theirs); }; complete -F _other cargo";
        assert_eq!(offered(&["cargo", "bu"], own).trim(), "theirs");
        let custody = offered(&["cargo", "custody", "wa"], own);
        assert_eq!(custody.trim(), "waive");
    }

    #[test]
    fn the_script_of_zsh_bears_the_name_that_cargo_looks_for() {
        assert!(script(Shell::Zsh).starts_with("#compdef cargo-custody"));
        assert!(script(Shell::Zsh).contains("_cargo-custody()"));
        assert!(script(Shell::Fish).contains("complete -c cargo "));
    }
}
